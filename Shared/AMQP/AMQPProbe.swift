/// A message without meaning that a publisher sends when it has had nothing confirmed for a while.
///
/// Its confirmation shows that the host can still do what it is there for. It should go to a replicated queue of its own
/// that keeps no more than one message; it is not read.
public struct AMQPProbe: Sendable, Hashable {
  public var exchange: String
  public var routingKey: String
  /// After this time without a confirmation.
  public var interval: Duration

  public init(exchange: String, routingKey: String = "", interval: Duration = .seconds(2)) {
    self.exchange = exchange
    self.routingKey = routingKey
    self.interval = interval
  }
}
