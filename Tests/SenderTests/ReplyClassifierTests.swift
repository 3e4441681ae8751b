import Contracts
import HTTPTransport
import ServiceKit
import Testing

@testable import Sender

@Suite("What became of an attempt")
struct ReplyClassifierTests {
  private func verdict(
    _ success: ReplyClassifier.SuccessRule, _ status: Int, _ body: String = "", headers: [(String, String)] = [],
    isComplete: Bool = true, rules: [ReplyRule] = []
  ) -> ReplyClassifier.Verdict? {
    ReplyClassifier(rules: rules, success: success).verdict(
      on: .response(status: status, headers: headers, body: Array(body.utf8), isComplete: isComplete),
      now: Timestamp(microseconds: 1_790_000_000_000_000))
  }

  @Test("HKT: any whole 2xx is accepted, whatever its body")
  func hkt() {
    #expect(verdict(.anyBody, 200, "OK")?.outcome == .accepted)
    #expect(verdict(.anyBody, 204)?.outcome == .accepted)
    #expect(verdict(.anyBody, 200, "OK")?.errorCode == nil)
  }

  @Test("JSON: only a 2xx with an object is accepted, anything else is unknown")
  func json() {
    #expect(verdict(.jsonObject, 200, #"{"id":1}"#)?.outcome == .accepted)
    for body in ["", "OK", "[1]", "<html>", "{\"id\":"] {
      #expect(verdict(.jsonObject, 200, body)?.outcome == .unknown, "\(body)")
    }
  }

  @Test(
    "status codes without a rule",
    arguments: [
      (400, AttemptOutcome.rejected), (401, .refusedCredentials), (403, .refusedCredentials), (404, .rejected),
      (408, .unknown), (429, .throttled), (500, .retryable), (502, .unknown), (503, .retryable), (504, .unknown),
      (302, .unknown), (100, .unknown),
    ])
  func defaults(status: Int, outcome: AttemptOutcome) {
    #expect(verdict(.anyBody, status)?.outcome == outcome)
    #expect(verdict(.anyBody, status)?.errorCode == "http_\(status)")
  }

  @Test("a cut answer is unknown, even with a 200")
  func cut() {
    #expect(verdict(.anyBody, 200, "O", isComplete: false)?.outcome == .unknown)
    #expect(verdict(.anyBody, 200, "O", isComplete: false)?.errorCode == "cut")
  }

  @Test("503 with Retry-After is throttling; seconds and dates are read")
  func retryAfter() {
    let date = [("retry-after", "Mon, 21 Sep 2026 14:13:30 GMT")]
    #expect(verdict(.anyBody, 503, headers: [("retry-after", "7")])?.outcome == .throttled)
    #expect(verdict(.anyBody, 429, headers: [("retry-after", "7")])?.retryAfter == 7)
    #expect(verdict(.anyBody, 429, headers: date)?.retryAfter == 10)
    #expect(verdict(.anyBody, 429, headers: [("retry-after", "soon")])?.retryAfter == nil)
  }

  @Test("the reply table comes first, and its first match wins")
  func rules() throws {
    let rules = [
      try ReplyRule(status: 200, body: "(?i)quota", outcome: .throttled),
      try ReplyRule(body: "blocked", outcome: .rejected),
    ]
    #expect(verdict(.anyBody, 200, "QUOTA used up", rules: rules)?.outcome == .throttled)
    #expect(verdict(.anyBody, 200, "number blocked", rules: rules)?.outcome == .rejected)
    #expect(verdict(.anyBody, 200, "OK", rules: rules)?.outcome == .accepted)
  }

  @Test("what was not sent may be tried again; what may have arrived is unknown; a stale claim is neither")
  func transport() {
    let classifier = ReplyClassifier(rules: [], success: .anyBody)
    let now = Timestamp.now()
    let failure = HTTPTransportFailure(kind: .timeout, message: "timed out")
    #expect(classifier.verdict(on: .notSent(failure), now: now)?.outcome == .retryable)
    #expect(classifier.verdict(on: .unknown(failure), now: now)?.outcome == .unknown)
    #expect(classifier.verdict(on: .unknown(failure), now: now)?.errorCode == "timeout")
    #expect(classifier.verdict(on: .claimExpired, now: now) == nil)
  }

  @Test("the reply is kept, cut to 2 KiB, and free of NUL")
  func reply() {
    let long = verdict(.anyBody, 200, String(repeating: "x", count: 5000))
    #expect(long?.reply?.body.utf8.count == 2048)
    #expect(verdict(.anyBody, 200, "a\0b")?.reply?.body == "a\u{FFFD}b")
  }
}
