/// When a batch is full.
struct BatchLimits: Sendable {
  /// Deliveries.
  var count = 500
  /// Bytes of all bodies: ten thousand recipients are about 200 kB, and a transaction must not take seconds.
  var bytes = 1_000_000
  /// How long the first delivery waits for others.
  var linger: Duration = .milliseconds(20)
}
