import AMQP
import Contracts
import Logging

/// Puts a message that cannot be understood where an admin can see it, so that the consumer can go on.
public struct PoisonReporter: Sendable {
  private let publisher: AMQPPublisher
  private let logger: Logger

  public init(publisher: AMQPPublisher, logger: Logger) {
    self.publisher = publisher
    self.logger = logger
  }

  /// Publishes the message to `sluice.dead` with its origin and what is wrong, and acknowledges it once confirmed.
  public func report(_ delivery: AMQPDelivery, error: any Error, consumer: AMQPConsumer) async {
    await report(delivery, error: error) { await consumer.acknowledge($0) }
  }

  /// As above, with the word to the broker left to `acknowledge`.
  public func report(
    _ delivery: AMQPDelivery, error: any Error, acknowledge: @Sendable (AMQPDelivery) async -> Void
  ) async {
    let what = (error as? WireError)?.description ?? "not processable"
    logger.error(
      "poison message set aside", metadata: [LogKey.queue: "\(delivery.queue)", "error": "\(what)"])
    var headers = delivery.headers
    headers[PoisonHeader.originQueue] = .string(delivery.queue)
    headers[PoisonHeader.originExchange] = .string(delivery.exchange)
    headers[PoisonHeader.originRoutingKey] = .string(delivery.routingKey)
    headers[PoisonHeader.error] = .string(what)
    do {
      try await publisher.publish(
        AMQPMessage(body: delivery.body, messageID: delivery.messageID, type: delivery.type, headers: headers),
        exchange: BrokerNames.dead, routingKey: delivery.routingKey)
      await acknowledge(delivery)
    } catch {
      // Not acknowledged: the broker delivers it again.
      logger.error("poison message not set aside", metadata: [LogKey.queue: "\(delivery.queue)", "error": "\(error)"])
    }
  }
}
