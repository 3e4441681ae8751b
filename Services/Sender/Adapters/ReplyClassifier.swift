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
    /// Why, in the provider's own words; at most 500 bytes.
    var reason: String?
    /// Seconds that the provider asked for.
    var retryAfter: Double?
    /// False for a 2xx of which neither the reply table nor the adapter could make sense.
    var isUnderstood = true
  }

  /// What a 2xx without a matching rule means.
  enum SuccessRule: Sendable {
    /// HKT's `<status>` and `<reason>`. A 2xx with neither is accepted, since older gateways answer so; strictly it is
    /// unknown.
    case hkt(isStrict: Bool)
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
      let document = ReplyDocument(status: status, headers: headers, body: body, isComplete: isComplete)
      var verdict = judge(document, headers, isComplete)
      verdict.reply = ProviderReply(status: status, body: document.stored)
      if verdict.outcome == .accepted {
        (verdict.errorCode, verdict.reason) = (nil, nil)
      } else if verdict.errorCode == nil {
        verdict.errorCode = "http_\(status)"
      }
      if verdict.outcome == .throttled { verdict.retryAfter = RetryAfter.seconds(in: headers, now: now) }
      return verdict
    }
  }

  private func judge(_ document: ReplyDocument, _ headers: [(String, String)], _ isComplete: Bool) -> Verdict {
    for rule in rules {
      guard let match = rule.match(status: document.status, body: document.text, at: document.texts(at:)) else {
        continue
      }
      // What was cut off might have said otherwise.
      if !isComplete, rule.outcome == .accepted { break }
      let reason = match.text ?? reason(in: document)
      return Verdict(outcome: rule.outcome, reason: ReplyDocument.reason(reason))
    }
    guard (200..<300).contains(document.status) else {
      return Verdict(outcome: Self.outcome(of: document.status, headers), reason: reason(in: document))
    }
    guard isComplete else { return Verdict(outcome: .unknown, errorCode: "cut") }
    switch success {
    case .jsonObject:
      let isObject = document.json?.isObject ?? false
      return Verdict(outcome: isObject ? .accepted : .unknown, isUnderstood: isObject)
    case .hkt(let isStrict):
      return switch HKTReply(document) {
      case .accepted: Verdict(outcome: .accepted)
      case .rejected(let reason): Verdict(outcome: .rejected, reason: reason)
      case .notUnderstood: Verdict(outcome: isStrict ? .unknown : .accepted, isUnderstood: false)
      }
    }
  }

  private func reason(in document: ReplyDocument) -> String? {
    switch success {
    case .hkt: HKTReply.reason(in: document)
    case .jsonObject: nil
    }
  }

  /// What a status other than 2xx means (RFC 9110 §15): it is final whatever becomes of the body.
  private static func outcome(of status: Int, _ headers: [(String, String)]) -> AttemptOutcome {
    switch status {
    case 401, 403: .refusedCredentials
    case 429: .throttled
    case 503 where headers.contains { $0.0 == "retry-after" }: .throttled
    // A proxy's answers: the provider itself may have taken the SMS.
    case 408, 502, 504: .unknown
    // About the address, the method or the way there, as while a provider is being redeployed: no fault of the SMS.
    case 404, 405, 407, 410, 421, 425, 426: .retryable
    case 400..<500: .rejected
    case 500..<600: .retryable
    default: .unknown
    }
  }
}
