import Contracts
import Foundation
import PhoneNumbers
import Testing

@testable import APIGateway

/// What the API and the audit say by code, in the reader's language.
@Suite("What the panel says of refusals and of the audit")
struct PanelWordsTests {
  private let gateway = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Services/APIGateway")

  /// The codes that the gateway's source gives to details of errors, but for those that the panel puts in words itself.
  private func codes() throws -> Set<String> {
    let files = try #require(FileManager.default.enumerator(atPath: gateway.path)).compactMap { $0 as? String }
    let sources = try files.filter { $0.hasSuffix(".swift") }.map {
      try String(contentsOf: gateway.appending(path: $0), encoding: .utf8)
    }
    let shapes = [
      // note(field, "code", …), Detail(…), .init(…), invalidField(…), forbidden(…), refusal(…)
      /(?:\.note|Detail|\.init|invalidField|forbidden|refusal)\(\s*[^,()"]*(?:"[^"\n]*")?[^,()"]*,\s*"([a-z_0-9]+)",(?!\s*visit\.text)/,
      /\.conflict\(\s*"([a-z_]+)"/, /case "([a-z_]+)": return \.conflict/,
    ]
    return Set(sources.flatMap { source in shapes.flatMap { source.matches(of: $0).map { String($0.1) } } })
  }

  @Test("Every code of an error has words of its own in every language", arguments: PanelLanguage.allCases)
  func errors(language: PanelLanguage) throws {
    let text = try PanelText(language)
    for code in APIError.Code.allCases {
      #expect(text.known("problem_\(code.rawValue)") != nil, "\(code)")
      #expect(text.known("audit_outcome_\(code.rawValue.lowercased())") != nil, "\(code)")
    }
    let found = try codes()
    #expect(found.count > 40, "the source is read as it is written: \(found.sorted())")
    let numbers = PhoneNumberError.Code.allCases.map(\.rawValue)
    let broker = ["malformed", "unsupported_version", "unexpected_type", "wrong_queue"]
    for code in found.union(numbers).union(broker).sorted() {
      #expect(text.known("wrong_\(code)") != nil || text.known("reason_\(code)") != nil, "\(code)")
    }
    // What the states of a letter and of an SMS forbid, and what the dead-letter service refuses.
    let states = LetterStatus.allCases.map(\.rawValue) + [UnitState.unconfirmed, .dead].map(\.rawValue)
    let refusals = ["expired", "nothing_to_cancel", "no_queue", "not_pending", "too_old", "wrong_state", "cancelling"]
    for code in states + refusals + [LetterRow.poison] {
      #expect(text.known("reason_\(code)") != nil, "\(code)")
    }
  }

  @Test("Every action of the audit has a name in every language", arguments: PanelLanguage.allCases)
  func audit(language: PanelLanguage) throws {
    let text = try PanelText(language)
    for action in AuditAction.allCases {
      #expect(AuditPage.name(action.rawValue, text) != action.rawValue, "\(action)")
      if let subject = action.subject { #expect(text.known("audit_subject_\(subject)") != nil, "\(subject)") }
    }
    #expect(AuditPage.name("later.action", text) == "later.action")
    for outcome in ["done", "requested", "aborted"] {
      #expect(text.known("audit_outcome_\(outcome)") != nil, "\(outcome)")
    }
  }

  @Test("What became of a letter is told in the reader's language, a refusal with its reason")
  func results() throws {
    let chinese = try PanelText(.traditionalChinese)
    for reason in ["too_old", "wrong_state", "came_again", "no_queue", "unknown_provider", "provider_not_allowed"] {
      let told = DeadLetterPage.result("refused:\(reason)", chinese)
      #expect(told.hasPrefix("被拒：") && !told.contains(reason), "\(told)")
    }
    #expect(DeadLetterPage.result("refused:later", chinese) == "被拒：later")
    #expect(DeadLetterPage.result("sent", chinese) == chinese("status_sent"))
    #expect(DeadLetterPage.result("taken_back", chinese) == chinese("result_taken_back"))
  }

  @Test("A refusal is told by its code, and in the API's words when nobody knows it")
  func refusals() throws {
    let chinese = try PanelText(.traditionalChinese)
    let final = PanelProblem(.conflict("final", "The message is final already"), chinese)
    #expect(final.message == "此訊息已經完結。" && !final.hasDetails)
    let late = PanelProblem(.conflict("later", "A reason of a later release"), chinese)
    #expect(late.message == chinese("problem_CONFLICT"))
    #expect(late.details.map(\.message) == ["A reason of a later release"])
    let field = PanelProblem(.invalidField("weight", "out_of_range", "Must be from 0.01 to 100"), chinese)
    #expect(field.details.map(\.message) == [chinese("wrong_out_of_range")])
    #expect(field.details.map(\.field) == [chinese("field_weight")])
    #expect(PanelProblem(APIError(.forbidden, "Own words"), chinese).message == "Own words")
  }
}
