import ArgumentParser
import JSONHTTP

/// What came of all requests of a bulk send.
struct BulkResult: Sendable {
  /// A number that was left out, or because of which nothing was sent.
  struct Rejected: Sendable, Equatable {
    var line: Int
    var number: String
    var reason: String
  }

  /// Why it ended early.
  enum Failure: Sendable {
    /// Rows hold no number.
    case rows
    case refused(Gateway.Answer)
    case noAnswer(String)

    var text: String {
      switch self {
      case .rows: "some numbers are not valid; --skip-invalid leaves them out"
      case .refused(let answer): Gateway.reason(answer)
      case .noAnswer(let reason): "no answer from the gateway: \(reason)"
      }
    }

    var code: ExitCode {
      switch self {
      case .rows: .refused
      case .refused(let answer): .of(answer)
      case .noAnswer: .unavailable
      }
    }

    /// Whether the request may have been accepted all the same, or would be later.
    var isPassing: Bool {
      switch self {
      case .rows: false
      case .refused(let answer): answer.isPassing || answer.isForeign
      case .noAnswer: true
      }
    }
  }

  /// Of requests that were taken, in order.
  private(set) var accepted: [Gateway.Answer] = []
  /// Those and the refusals, in order.
  var answers: [Gateway.Answer] = []
  var rejected: [Rejected] = []
  /// Numbers that an SMS may not reach.
  private(set) var warnings: [Rejected] = []
  var failure: Failure?

  var messageIDs: [String] { accepted.compactMap(\.json.message_id.string) }
  var duplicates: Int { accepted.reduce(0) { $0 + $1.json.data.duplicates.array.count } }

  /// 0 is all, and whatever else is 2 when a part was accepted: a shell must not take it for nothing.
  var code: ExitCode {
    if let failure { return accepted.isEmpty ? failure.code : .partly }
    if accepted.isEmpty { return .refused }
    return rejected.isEmpty ? .success : .partly
  }

  mutating func accept(_ answer: Gateway.Answer, of batch: [NumberFile.Entry]) {
    accepted.append(answer)
    answers.append(answer)
    for rejected in answer.json.data.rejected.array { note(rejected, rejected.index.int, batch) }
    for warning in answer.json.data.warnings.array {
      let entry = warning.index.int.flatMap { batch.indices.contains($0) ? batch[$0] : nil }
      warnings.append(
        .init(
          line: entry?.line ?? 0, number: entry?.number ?? warning.field.string ?? "",
          reason: warning.message.string ?? "it may not arrive"))
    }
  }

  mutating func refuse(_ answer: Gateway.Answer) {
    answers.append(answer)
    failure = .refused(answer)
  }

  /// - Returns: Whether the answer is a refusal of single numbers.
  mutating func note(invalidNumbersOf answer: Gateway.Answer, in batch: [NumberFile.Entry]) -> Bool {
    guard answer.json.error.code.string == "INVALID_RECIPIENTS" else { return false }
    let before = rejected.count
    for detail in answer.json.error.details.array {
      // `recipients[3]`
      let index = detail.field.string.flatMap { Int($0.drop { !$0.isNumber }.prefix { $0.isNumber }) }
      note(detail, index, batch)
    }
    return rejected.count > before
  }

  private mutating func note(_ detail: JSONValue, _ index: Int?, _ batch: [NumberFile.Entry]) {
    guard let index, batch.indices.contains(index) else { return }
    rejected.append(
      .init(line: batch[index].line, number: batch[index].number, reason: detail.message.string ?? "not valid"))
  }
}
