import JSONHTTP

/// How long a request is repeated whose answer may be another one later.
struct Patience: Sendable {
  /// No request is begun after it.
  let deadline: ContinuousClock.Instant

  /// - Returns: How long to wait before the next try; `nil` when this answer is the last: a repeat would not change it, or the
  ///   gateway wants a longer pause than there is time for.
  func pause(after answer: JSONClient.Answer, now: ContinuousClock.Instant) -> Duration? {
    guard answer.isPassing else { return nil }
    let wanted = answer.headers["retry-after"].flatMap { Int($0) } ?? 1
    // A day is more than anybody waits, and keeps the sum small.
    return pause(.seconds(min(max(wanted, 1), 86_400)), now)
  }

  /// The same without an answer.
  func pauseAfterSilence(now: ContinuousClock.Instant) -> Duration? { pause(.seconds(1), now) }

  private func pause(_ wanted: Duration, _ now: ContinuousClock.Instant) -> Duration? {
    now + wanted > deadline ? nil : wanted
  }
}

extension JSONClient.Answer {
  /// Whether the same request may have another answer in a while. The SMS of a day are no such thing: tomorrow is too late.
  var isPassing: Bool {
    switch status {
    case 429: !isDailyLimit
    case 502, 503, 504: true
    default: json.error.code.string == "IDEMPOTENCY_IN_FLIGHT"
    }
  }

  /// Whether the SMS of the user's day are used up.
  var isDailyLimit: Bool { status == 429 && json.error.details[0].field.string == "daily_limit" }
}
