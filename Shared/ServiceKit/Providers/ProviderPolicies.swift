import Contracts

/// How requests to a provider look.
public enum ProviderAdapterKind: String, Sendable, CaseIterable, Hashable {
  /// Hong Kong Telecom's gateway: a form, and `<status>OK</status>` in the answer.
  case hkt
  /// `{"phone","text"}`; a 2xx with a JSON object is accepted.
  case json
}

/// What counts against a provider's limit.
public enum MeterUnit: String, Sendable, CaseIterable, Hashable {
  case message, segment
}

/// What to do when nobody knows whether an SMS arrived.
public enum UnknownPolicy: String, Sendable, CaseIterable, Hashable {
  /// Send once more, marked as a possible duplicate.
  case resend
  /// Keep as a dead letter for an admin to replay or settle.
  case hold
}

/// What becomes of an SMS that the provider refused for good.
public enum RejectedPolicy: String, Sendable, CaseIterable, Hashable {
  /// It has failed.
  case fail
  /// Keep as a dead letter for an admin to replay or abandon.
  case keep
}

/// At most `count` in any `window`.
public struct ProviderRate: Sendable, Hashable {
  public var count: Int
  public var window: Duration

  public init(count: Int, window: Duration = .seconds(1)) {
    self.count = count
    self.window = window
  }

  /// SMS or segments a second.
  public var rate: Double { Double(count) / window.inSeconds }
}

/// When a provider counts as unhealthy.
public struct HealthPolicy: Sendable, Hashable {
  public var window: Duration
  /// 0...1; unhealthy above it.
  public var failureRate: Double
  public var minSamples: Int
  /// Until the first probe.
  public var cooldown: Duration

  public init(
    window: Duration = .seconds(300), failureRate: Double = 0.7, minSamples: Int = 10,
    cooldown: Duration = .seconds(300)
  ) {
    self.window = window
    self.failureRate = failureRate
    self.minSamples = minSamples
    self.cooldown = cooldown
  }
}

/// How often and when a failed SMS is tried again: base × 2ⁿ with full jitter, capped.
public struct RetryPolicy: Sendable, Hashable {
  public var maxAttempts: Int
  public var base: Duration
  public var cap: Duration

  public init(maxAttempts: Int = 5, base: Duration = .seconds(2), cap: Duration = .seconds(300)) {
    self.maxAttempts = maxAttempts
    self.base = base
    self.cap = cap
  }
}

extension Duration {
  /// As a number of seconds.
  public var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
