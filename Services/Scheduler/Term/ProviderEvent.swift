import Contracts
import Metering

/// What an outcome did to its provider, beyond being counted.
enum ProviderEvent: String, Sendable, Hashable {
  case unhealthy = "provider unhealthy"
  case probeFailed = "probe failed"
  case recovered = "provider works again"
  case slowed = "provider throttles: rate halved"
  case credentialsRefused = "provider refuses our credentials: paused until an admin resumes it"

  /// Whether somebody should look.
  var isAlarm: Bool {
    switch self {
    case .unhealthy, .credentialsRefused: true
    case .probeFailed, .recovered, .slowed: false
    }
  }
}

extension ProviderState {
  /// Health, rate and credentials after one outcome.
  mutating func learn(
    _ outcome: AttemptOutcome, startedAt: Double, isRepeat: Bool, isUnsent: Bool = false, scope: ThrottleScope? = nil,
    now: Double
  ) -> ProviderEvent? {
    switch outcome {
    case .accepted:
      refusals = 0
      sent += 1
      adaptive.accepted(startedAt: startedAt)
      return note(isSuccess: true, now: now)
    case .rejected:
      refusals = 0
      return note(isSuccess: true, now: now)
    case .retryable, .unknown:
      return note(isSuccess: false, isUnsent: isUnsent, now: now)
    case .throttled:
      refusals = 0
      // One number's limit slows nobody else down. A sender of an earlier version does not say whose it is.
      guard scope != .number else { return nil }
      guard adaptive.throttled(startedAt: startedAt, isRepeat: isRepeat, now: now) else { return nil }
      refresh(now: now)
      return .slowed
    case .refusedCredentials:
      refusals += 1
      guard refusals >= Self.refusalLimit, pause == nil else { return nil }
      pause = .credentials
      return .credentialsRefused
    }
  }

  private mutating func note(isSuccess: Bool, isUnsent: Bool = false, now: Double) -> ProviderEvent? {
    let wasHealthy = health.state(now: now) == .healthy
    let limit = credit.limit(rate: rate(now: now))
    guard health.note(isSuccess: isSuccess, isUnsent: isUnsent, credit: limit, now: now) else { return nil }
    if isSuccess { return .recovered }
    return wasHealthy ? .unhealthy : .probeFailed
  }
}
