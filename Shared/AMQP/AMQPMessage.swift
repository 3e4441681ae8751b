/// A message to publish. It is always persistent.
public struct AMQPMessage: Sendable {
  public var body: [UInt8]
  /// Should be unique and stable over repeats: consumers drop duplicates by it.
  public var messageID: String?
  public var type: String?
  public var contentType = "application/json"
  /// All headers together must fit one frame.
  public var headers: [String: AMQPValue]
  /// Seconds since 1970.
  public var timestamp: UInt64?

  public init(
    body: [UInt8], messageID: String? = nil, type: String? = nil, headers: [String: AMQPValue] = [:]
  ) {
    self.body = body
    self.messageID = messageID
    self.type = type
    self.headers = headers
  }
}
