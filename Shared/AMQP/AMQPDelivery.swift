/// A message as it came from a queue. It stays the broker's until acknowledged.
public struct AMQPDelivery: Sendable {
  /// Names one delivery on one channel; after a reconnect it means nothing and is ignored.
  public struct Token: Sendable, Hashable {
    let epoch: UInt64
    let tag: UInt64
  }

  public var queue: String
  public var exchange: String
  public var routingKey: String
  public var body: [UInt8]
  public var messageID: String?
  public var type: String?
  public var contentType: String?
  /// Seconds since 1970.
  public var timestamp: UInt64?
  public var headers: [String: AMQPValue]
  public var redelivered: Bool
  /// How often a quorum queue has delivered this message before; 0 when it does not say.
  public var deliveryCount: Int
  /// The place in a stream; nil for other queues.
  public var streamOffset: UInt64?
  public let token: Token
}
