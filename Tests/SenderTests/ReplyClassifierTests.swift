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

  @Test(
    "HKT: OK is accepted, another status or a reason is rejected with the reason, anything else accepted and not understood",
    arguments: [
      ("<status>OK</status>", AttemptOutcome.accepted, nil, true),
      ("\r\n<?xml version=\"1.0\"?>\n<r><status> ok </status><reason/></r>", .accepted, nil, true),
      ("<r><status>OK</status><reason>queued</reason></r>", .accepted, nil, true),
      ("<r><status>ERR</status><reason> No credit &amp; so on </reason></r>", .rejected, "No credit & so on", true),
      ("<status>ERR</status>", .rejected, "ERR", true),
      ("<reason>number barred</reason>", .rejected, "number barred", true),
      ("<r><status></status><reason>empty status</reason></r>", .rejected, "empty status", true),
      ("<status>OK</status><status>ERR</status>", .rejected, "ERR", true),
      ("<s:Status xmlns:s='u'><![CDATA[FAIL]]></s:Status>", .rejected, "FAIL", true),
      ("", .accepted, nil, false), ("OK", .accepted, nil, false),
      ("<html><body>OK<br></body></html>", .accepted, nil, false),
      ("<status/>", .accepted, nil, false), ("<!-- <status>OK</status> -->", .accepted, nil, false),
      ("<!DOCTYPE x [<!ENTITY e '<status>ERR</status>'>]><x>&e;</x>", .accepted, nil, false),
    ] as [(String, AttemptOutcome, String?, Bool)])
  func hkt(body: String, outcome: AttemptOutcome, reason: String?, isUnderstood: Bool) throws {
    let found = try #require(verdict(.hkt(isStrict: false), 200, body))
    #expect(found.outcome == outcome)
    #expect(found.reason == reason)
    #expect(found.isUnderstood == isUnderstood)
    #expect(found.errorCode == (outcome == .accepted ? nil : "http_200"))
    let strict = try #require(verdict(.hkt(isStrict: true), 200, body))
    #expect(strict.outcome == (isUnderstood ? outcome : .unknown))
    #expect(strict.isUnderstood == isUnderstood)
  }

  @Test("HKT: a reason is kept whatever the status, and cut to 500 bytes")
  func reasons() {
    #expect(verdict(.hkt(isStrict: false), 400, "<reason>bad sender</reason>")?.outcome == .rejected)
    #expect(verdict(.hkt(isStrict: false), 400, "<reason>bad sender</reason>")?.reason == "bad sender")
    #expect(verdict(.hkt(isStrict: false), 500, "<reason>later</reason>")?.outcome == .retryable)
    let long = String(repeating: "額", count: 400)
    #expect(
      verdict(.hkt(isStrict: false), 200, "<reason>\(long)</reason>")?.reason == String(repeating: "額", count: 166))
  }

  @Test("JSON: only a 2xx with an object is accepted, anything else is unknown")
  func json() {
    #expect(verdict(.jsonObject, 200, #"{"id":1}"#)?.outcome == .accepted)
    for body in ["", "OK", "[1]", "<html>", "{\"id\":"] {
      #expect(verdict(.jsonObject, 200, body)?.outcome == .unknown, "\(body)")
      #expect(verdict(.jsonObject, 200, body)?.isUnderstood == false, "\(body)")
    }
  }

  @Test(
    "status codes without a rule",
    arguments: [
      (400, AttemptOutcome.rejected), (401, .refusedCredentials), (403, .refusedCredentials), (404, .retryable),
      (405, .retryable), (501, .retryable), (407, .retryable), (410, .retryable), (421, .retryable), (406, .rejected),
      (422, .rejected), (408, .unknown), (429, .throttled), (500, .retryable), (502, .unknown), (503, .retryable),
      (504, .unknown),
      (302, .unknown), (100, .unknown),
    ])
  func defaults(status: Int, outcome: AttemptOutcome) {
    #expect(verdict(.hkt(isStrict: false), status)?.outcome == outcome)
    #expect(verdict(.hkt(isStrict: false), status)?.errorCode == "http_\(status)")
  }

  @Test("a cut 2xx is unknown; another status is final whatever becomes of the body")
  func cut() throws {
    #expect(verdict(.hkt(isStrict: false), 200, "O", isComplete: false)?.outcome == .unknown)
    #expect(verdict(.hkt(isStrict: false), 200, "O", isComplete: false)?.errorCode == "cut")
    #expect(verdict(.hkt(isStrict: false), 200, "<status>OK</status>", isComplete: false)?.outcome == .unknown)
    #expect(verdict(.jsonObject, 200, "{}", isComplete: false)?.outcome == .unknown)
    #expect(verdict(.jsonObject, 429, "slow", isComplete: false)?.outcome == .throttled)
    #expect(verdict(.jsonObject, 503, "<html>", isComplete: false)?.outcome == .retryable)
    let rules = [
      try ReplyRule(body: "ERR", outcome: .rejected), try ReplyRule(body: "OK", outcome: .accepted),
    ]
    #expect(verdict(.jsonObject, 200, "ERR 7", isComplete: false, rules: rules)?.outcome == .rejected)
    #expect(verdict(.jsonObject, 200, "OK", isComplete: false, rules: rules)?.outcome == .unknown)
    #expect(verdict(.jsonObject, 200, "OK", rules: rules)?.outcome == .accepted)
  }

  @Test("503 with Retry-After is throttling")
  func throttled() {
    let headers = [("retry-after", "7")]
    #expect(verdict(.hkt(isStrict: false), 503, headers: headers)?.outcome == .throttled)
    #expect(verdict(.hkt(isStrict: false), 503, headers: headers)?.retryAfter == 7)
    #expect(verdict(.hkt(isStrict: false), 500, headers: headers)?.retryAfter == nil)
  }

  @Test(
    "Retry-After is read in every form: seconds, the three dates of HTTP, other zones, ISO 8601",
    arguments: [
      // Now is 2026-09-21T14:13:20Z.
      ("7", 7), (" 7 ", 7), ("2.5", 2.5), ("30s", 30), ("0", 0), ("+5", 5),
      ("Mon, 21 Sep 2026 14:13:30 GMT", 10), ("Monday, 21-Sep-26 14:13:30 GMT", 10), ("Mon Sep 21 14:13:30 2026", 10),
      ("mon, 21 sep 2026 14:13:30 gmt", 10), ("Mon, 21 Sep 2026 22:13:30 +0800", 10),
      ("Mon, 21 Sep 2026 06:13:30 -0800", 10), ("2026-09-21T14:13:30Z", 10), ("2026-09-21T22:13:30+08:00", 10),
      ("Sun, 06 Nov 1994 08:49:37 GMT", 0), ("Sunday, 06-Nov-94 08:49:37 GMT", 0), ("Sun Nov  6 08:49:37 1994", 0),
      ("soon", nil), ("-7", nil), ("nan", nil), ("inf", nil), ("0x10", nil), ("", nil), ("1e9", nil),
      ("Mon, 41 Sep 2026 14:13:30 GMT", nil), ("Mon, 21 Foo 2026 14:13:30 GMT", nil),
    ] as [(String, Double?)])
  func retryAfter(value: String, seconds: Double?) {
    #expect(verdict(.jsonObject, 429, headers: [("retry-after", value)])?.retryAfter == seconds)
  }

  @Test("a date in Retry-After is compared with the provider's own clock, and the longest of several wins")
  func retryAfterByDate() {
    let headers = [
      ("date", "Mon, 21 Sep 2026 16:00:00 GMT"), ("retry-after", "Mon, 21 Sep 2026 16:00:05 GMT"), ("retry-after", "3"),
    ]
    #expect(verdict(.jsonObject, 429, headers: headers)?.retryAfter == 5)
  }

  @Test("the reply table comes first, and its first match wins")
  func rules() throws {
    let rules = [
      try ReplyRule(status: 200, body: "(?i)quota", outcome: .throttled),
      try ReplyRule(body: "blocked", outcome: .rejected),
    ]
    #expect(verdict(.hkt(isStrict: false), 200, "QUOTA used up", rules: rules)?.outcome == .throttled)
    #expect(verdict(.hkt(isStrict: false), 200, "number blocked", rules: rules)?.outcome == .rejected)
    #expect(verdict(.hkt(isStrict: false), 200, "OK", rules: rules)?.outcome == .accepted)
  }

  @Test("what was not sent may be tried again; what may have arrived is unknown; a stale claim is neither")
  func transport() {
    let classifier = ReplyClassifier(rules: [], success: .hkt(isStrict: false))
    let now = Timestamp.now()
    let failure = HTTPTransportFailure(kind: .timeout, message: "timed out")
    #expect(classifier.verdict(on: .notSent(failure), now: now)?.outcome == .retryable)
    #expect(classifier.verdict(on: .unknown(failure), now: now)?.outcome == .unknown)
    #expect(classifier.verdict(on: .unknown(failure), now: now)?.errorCode == "timeout")
    #expect(classifier.verdict(on: .claimExpired, now: now) == nil)
  }

  @Test("rules find values by paths of XML and of JSON, and keep what they found as the reason")
  func paths() throws {
    let rules = [
      try ReplyRule(at: .xml(try #require(ReplyPath(xml: "reason"))), value: "(?i)quota", outcome: .throttled),
      try ReplyRule(at: .xml(try #require(ReplyPath(xml: "/reply/@code"))), value: "^1", outcome: .retryable),
      try ReplyRule(at: .json(try #require(ReplyPath(json: "error.code"))), value: "^(7|8)$", outcome: .rejected),
      try ReplyRule(at: .json(try #require(ReplyPath(json: "$.results[0].ok"))), value: "false", outcome: .unknown),
      try ReplyRule(status: 202, at: .json(try #require(ReplyPath(json: "id"))), outcome: .accepted),
    ]
    func found(_ body: String, _ status: Int = 200) -> String {
      let verdict = verdict(.hkt(isStrict: true), status, body, rules: rules)
      return "\(verdict?.outcome.rawValue ?? "-") \(verdict?.reason ?? "-")"
    }
    #expect(found("<r><status>ERR</status><reason>Quota used up</reason></r>") == "throttled Quota used up")
    #expect(found("<r><status>ERR</status><reason>barred</reason></r>") == "rejected barred")
    #expect(found("<reply code='17'/>") == "retryable 17")
    #expect(found("<r><reply code='17'/></r>") == "unknown -", "an absolute path begins at the root")
    #expect(found(#"{"error":{"code":7}}"#) == "rejected 7")
    #expect(found(#"{"error":{"code":"8"}}"#) == "rejected 8")
    #expect(found(#"{"error":{"code":9}}"#) == "unknown -")
    #expect(found(#"{"results":[{"ok":false},{"ok":true}]}"#) == "unknown false")
    #expect(found(#"{"id":"a"}"#, 202) == "accepted -")
    #expect(found(#"{"id":null}"#, 202) == "unknown -")
  }

  @Test("rules see all that was read, decoded by its charset, though 2 KiB of it are kept")
  func wholeBody() throws {
    let rules = [
      try ReplyRule(body: "^ERR|\nERR", outcome: .throttled), try ReplyRule(body: "額度", outcome: .rejected),
    ]
    let late = verdict(.hkt(isStrict: false), 200, String(repeating: "x", count: 60_000) + "\nERR quota", rules: rules)
    #expect(late?.outcome == .throttled)
    #expect(late?.reply?.body.utf8.count == 2048)
    // 額度已用完
    let big5: [UInt8] = [0xC3, 0x42, 0xAB, 0xD7, 0xA4, 0x77, 0xA5, 0xCE, 0xA7, 0xB9]
    let answer = ReplyClassifier(rules: rules, success: .hkt(isStrict: false)).verdict(
      on: .response(
        status: 200, headers: [("content-type", "text/html; charset=Big5")], body: big5, isComplete: true),
      now: .now())
    #expect(answer?.outcome == .rejected)
    #expect(answer?.reply?.body == "額度已用完")
  }

  @Test("the reply is kept, cut to 2 KiB, and free of NUL")
  func reply() {
    let long = verdict(.hkt(isStrict: false), 200, String(repeating: "x", count: 5000))
    #expect(long?.reply?.body.utf8.count == 2048)
    #expect(verdict(.hkt(isStrict: false), 200, "a\0b")?.reply?.body == "a\u{FFFD}b")
  }
}
