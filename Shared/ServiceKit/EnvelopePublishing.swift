import AMQP
import Contracts

extension AMQPPublisher {
  /// Publishes a fact or command, confirmed. A repeat keeps the envelope's id.
  /// - Parameter timeout: Without one it is repeated until the broker confirms; with one it is withdrawn after it.
  nonisolated(nonsending)
    public func publish<Body: Payload>(
      _ envelope: Envelope<Body>, exchange: String, routingKey: String? = nil, timeout: Duration? = nil
    ) async throws
  {
    try await publish(
      AMQPMessage(
        body: try Wire.encode(envelope), messageID: envelope.header.id.description, type: Body.type.rawValue),
      exchange: exchange, routingKey: routingKey ?? Body.type.rawValue, timeout: timeout)
  }
}
