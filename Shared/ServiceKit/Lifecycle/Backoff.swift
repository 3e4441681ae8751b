/// How long to wait before the next try: random up to a ceiling that doubles with every failure (full jitter).
///
/// A pure value; the caller sleeps.
public struct Backoff: Sendable, Hashable {
  /// No wait is shorter.
  public let minimum: Duration
  /// No wait is longer.
  public let maximum: Duration
  /// Failures in a row so far.
  public private(set) var failures = 0

  public init(minimum: Duration = .milliseconds(100), maximum: Duration = .seconds(2)) {
    self.minimum = max(.zero, minimum)
    self.maximum = max(self.minimum, maximum)
  }

  /// Counts a failure and says how long to wait.
  public mutating func next() -> Duration { next(random: Double.random(in: 0..<1)) }

  /// Counts a failure and says how long to wait.
  /// - Parameter random: In 0..<1; a parameter, so that decisions can be repeated.
  public mutating func next(random: Double) -> Duration {
    // 2³⁰ times any minimum is beyond any maximum in use, and stays finite.
    let ceiling = failures < 30 ? min(maximum, minimum * (2 << failures)) : maximum
    failures += 1
    return minimum + (ceiling - minimum) * random
  }

  /// Starts again from the minimum, after a success.
  public mutating func reset() { failures = 0 }
}
