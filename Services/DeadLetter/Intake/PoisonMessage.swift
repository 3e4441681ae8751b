import AMQP
import Contracts

/// A broker message that its consumer could not work with, or that was delivered too often.
struct PoisonMessage: Sendable {
  /// From its content and origin: the same message is stored once, however often it comes.
  var id: EnvelopeID
  var queue: String
  var exchange: String
  var routingKey: String
  var messageID: String?
  var type: String?
  /// The original headers with those of the service or broker that set it aside, as JSON.
  var headers: String
  var body: [UInt8]
  var error: String
  /// How often it had been poison when it was given back to its queue; `nil` when it was not.
  var timesBefore: Int?

  init(_ delivery: AMQPDelivery) {
    let headers = delivery.headers
    // What our services write first; else what the broker writes when it dead-letters.
    func origin(_ ours: String, _ brokers: String) -> String? {
      headers[ours]?.stringValue ?? headers[brokers]?.stringValue
    }
    queue = (origin(PoisonHeader.originQueue, "x-first-death-queue") ?? "").storable
    exchange = (origin(PoisonHeader.originExchange, "x-first-death-exchange") ?? delivery.exchange).storable
    routingKey = (origin(PoisonHeader.originRoutingKey, "") ?? delivery.routingKey).storable
    messageID = delivery.messageID?.storable
    type = delivery.type?.storable
    self.headers = HeaderJSON.text(headers)
    body = delivery.body
    error = (origin(PoisonHeader.error, "x-first-death-reason") ?? "unknown").storable
    let known = headers[PoisonHeader.letterID]?.stringValue.flatMap { EnvelopeID($0) }
    timesBefore = known == nil ? nil : headers[PoisonHeader.times]?.intValue.flatMap { Int(exactly: $0) }
    id =
      known
      ?? .derived(from: [
        Array("poison".utf8), Array(queue.utf8), Array(routingKey.utf8), Array((messageID ?? "").utf8), body,
      ])
  }
}
