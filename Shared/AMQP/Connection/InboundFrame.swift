/// One frame from the broker, as Swift values.
enum InboundFrame {
  case method(channel: UInt16, InboundMethod)
  case header(channel: UInt16, ContentHeader)
  /// The bytes are valid until the next frame is asked for.
  case body(channel: UInt16, UnsafeRawBufferPointer)
}

/// The methods that a client can get after login.
enum InboundMethod {
  case connectionClose(BrokerReason)
  case connectionBlocked(reason: String)
  case connectionUnblocked
  case channelOpened
  case channelClose(BrokerReason)
  case channelClosed
  case confirmSelected
  case queueDeclared
  case qosSet
  case consumeStarted(tag: String)
  case consumeStopped(tag: String)
  /// The broker's own cancel: the queue is gone or has moved.
  case consumerCancelled(tag: String)
  case deliver(DeliverMethod)
  case returned(ReturnMethod)
  case ack(tag: UInt64, multiple: Bool)
  case nack(tag: UInt64, multiple: Bool)
  case other(UInt32)
}

/// Why the broker closed a channel or the connection.
struct BrokerReason: Equatable {
  var code: UInt16
  var text: String
  /// The method that it complains about.
  var classID: UInt16
  var methodID: UInt16

  var isAboutPublish: Bool { classID == 60 && methodID == 40 }
}

struct DeliverMethod: Equatable {
  var consumerTag: String
  var tag: UInt64
  var redelivered: Bool
  var exchange: String
  var routingKey: String
}

struct ReturnMethod: Equatable {
  var code: UInt16
  var text: String
  var exchange: String
  var routingKey: String
}

struct ContentHeader {
  var bodySize: UInt64
  var properties: ContentProperties
}

struct ContentProperties: Equatable {
  var messageID: String?
  var type: String?
  var contentType: String?
  var timestamp: UInt64?
  var headers: [String: AMQPValue] = [:]
}
