/// When a reader of a stream takes silence for a fault of its connection. Pure.
///
/// A stream whose writers say something every few seconds is never silent for long; a replica that lost its leader delivers
/// nothing and gives no sign. While nobody writes at all, the reader changes its connection ever more rarely.
struct SilenceWatch {
  /// The longest time between two changes.
  static let maximum = Duration.seconds(60)

  private let limit: Duration
  private var current: Duration
  private var since: ContinuousClock.Instant?

  init(limit: Duration) {
    self.limit = limit
    current = limit
  }

  /// The broker has begun to deliver, or would.
  mutating func began(now: ContinuousClock.Instant) { since = now }

  /// Something came.
  mutating func heard(now: ContinuousClock.Instant) {
    since = now
    current = limit
  }

  /// The reader does not listen for a while.
  mutating func stopped() { since = nil }

  /// When to look for another connection.
  var deadline: ContinuousClock.Instant? { since.map { $0 + current } }

  /// The connection is being left for its silence: the next may be silent for longer.
  mutating func gaveUp() {
    since = nil
    current = min(current * 2, Self.maximum)
  }
}
