/// What a connection is used for: it decides what to write and what a frame means.
///
/// Lives inside one `AMQPConnection`, on its thread. An error that it throws ends the connection.
protocol ConnectionRole: AnyObject {
  /// Logged in: asks for its channel.
  func start(_ link: Link) throws(AMQPError)
  func handle(_ frame: InboundFrame, _ link: Link) throws(AMQPError)
  /// Called after every batch of frames, every wake-up and when `deadline` has passed: writes what can be written.
  func flush(_ link: Link, now: ContinuousClock.Instant) throws(AMQPError)
  /// When to be called again at the latest.
  var deadline: ContinuousClock.Instant? { get }
  /// The connection is gone; the last call.
  func end(_ error: AMQPError?)
}
