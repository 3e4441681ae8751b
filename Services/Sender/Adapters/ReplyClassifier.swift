import Contracts
import HTTPTransport
import ServiceKit

/// Decides from one HTTP exchange what became of an attempt: the reply table first, then the adapter's defaults.
struct ReplyClassifier: Sendable {
  /// What is known after an exchange.
  struct Verdict: Sendable, Hashable {
    var outcome: AttemptOutcome
    var reply: ProviderReply?
    var errorCode: String?
    /// Seconds that the provider asked for.
    var retryAfter: Double?
  }

  /// What a 2xx without a matching rule means.
  enum SuccessRule: Sendable {
    /// Any whole 2xx is accepted (HKT: its reply format is not published).
    case anyBody
    /// Only a 2xx whose body is a JSON object is accepted; anything else is unknown.
    case jsonObject
  }

  var rules: [ReplyRule]
  var success: SuccessRule

  /// The verdict on an exchange; `nil` when the claim went stale before the first byte, so nothing was sent.
  func verdict(on result: HTTPTransportExchange.Result, now: Timestamp) -> Verdict? {
    switch result {
    case .claimExpired:
      return nil
    case .notSent(let failure):
      return Verdict(outcome: .retryable, errorCode: failure.kind.rawValue)
    case .unknown(let failure):
      return Verdict(outcome: .unknown, errorCode: failure.kind.rawValue)
    case .response(let status, let headers, let body, let isComplete):
      let reply = ProviderReply(status: status, body: Self.text(of: body))
      guard isComplete else { return Verdict(outcome: .unknown, reply: reply, errorCode: "cut") }
      let outcome =
        rules.first { $0.matches(status: status, body: reply.body) }?.outcome ?? fallback(status, headers, body)
      let retryAfter = outcome == .throttled ? RetryAfter.seconds(in: headers, now: now) : nil
      return Verdict(
        outcome: outcome, reply: reply, errorCode: outcome == .accepted ? nil : "http_\(status)", retryAfter: retryAfter
      )
    }
  }

  private func fallback(_ status: Int, _ headers: [(String, String)], _ body: [UInt8]) -> AttemptOutcome {
    switch status {
    case 200..<300:
      switch success {
      case .anyBody: .accepted
      case .jsonObject: JSONObjectCheck.isObject(body) ? .accepted : .unknown
      }
    case 401, 403: .refusedCredentials
    case 429: .throttled
    case 503 where headers.contains { $0.0 == "retry-after" }: .throttled
    // A proxy's answers: the provider itself may have taken the SMS.
    case 408, 502, 504: .unknown
    case 400..<500: .rejected
    case 500..<600: .retryable
    default: .unknown
    }
  }

  /// The reply as text, cut to 2 KiB, without NUL (which PostgreSQL's text cannot hold).
  static func text(of body: [UInt8]) -> String {
    String(decoding: body.prefix(2048), as: UTF8.self).replacing("\0", with: "\u{FFFD}")
  }
}
