/// Exponential backoff with full jitter: uniformly random up to base × 2ⁿ⁻¹ seconds, capped.
///
/// (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
public struct RetryBackoff: Sendable, Hashable {
  /// Attempts that count before a unit is dead.
  public var maxAttempts: Int
  /// Seconds; the first retry waits at most this long.
  public var base: Double
  /// Seconds; no retry waits longer.
  public var cap: Double

  /// The same without an end, and with a shorter cap: for attempts that cannot have arrived.
  public func endless(cap: Double) -> RetryBackoff {
    RetryBackoff(maxAttempts: .max, base: base, cap: min(self.cap, cap))
  }

  public init(maxAttempts: Int = 5, base: Double = 2, cap: Double = 300) {
    self.maxAttempts = maxAttempts
    self.base = base
    self.cap = cap
  }

  /// Seconds to wait after this many attempts; `nil` when they are used up.
  /// - Parameter random: In 0..<1; a parameter, so that decisions can be repeated.
  public func delay(afterAttempts used: Int, random: Double) -> Double? {
    guard used < maxAttempts else { return nil }
    var ceiling = base
    for _ in 1..<max(2, used) where ceiling < cap { ceiling *= 2 }
    return min(cap, used <= 1 ? base : ceiling) * random
  }
}
