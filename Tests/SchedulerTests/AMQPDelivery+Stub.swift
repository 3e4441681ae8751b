@testable import AMQP

extension AMQPDelivery {
  /// A delivery that no broker knows of.
  static func stub(queue: String, body: [UInt8], deliveryCount: Int = 0) -> AMQPDelivery {
    AMQPDelivery(
      queue: queue, exchange: "", routingKey: "", body: body, messageID: nil, type: nil, contentType: nil,
      timestamp: nil, headers: [:], redelivered: deliveryCount > 0, deliveryCount: deliveryCount, streamOffset: nil,
      token: AMQPDelivery.Token(epoch: 1, tag: 1))
  }
}
