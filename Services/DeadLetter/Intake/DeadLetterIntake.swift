import AMQP
import Contracts
import Logging
import Postgres
import ServiceKit
import ServiceLifecycle

/// Takes what comes from the three queues, one message after the other, and acknowledges what is done.
///
/// A graceful shutdown stops fetching; what is being handled is finished or left to the broker.
struct DeadLetterIntake: Service {
  var consumer: AMQPConsumer
  var handler: DeliveryHandler
  var reporter: PoisonReporter
  var logger: Logger
  var backoff = Backoff(minimum: .milliseconds(100), maximum: .seconds(5))

  /// Tries of a command that run into the database's limits of time before it is refused.
  private static let timeoutLimit = 3

  static let subscriptions = [
    AMQPSubscription(queue: BrokerNames.deadLetterUnits, prefetch: 64),
    AMQPSubscription(queue: BrokerNames.deadLetterCommands, prefetch: 32),
    AMQPSubscription(queue: BrokerNames.poison, prefetch: 32),
  ]

  func run() async throws {
    try await withThrowingDiscardingTaskGroup { group in
      group.addTask { try await consumer.run() }
      for await delivery in consumer.deliveries { await take(delivery) }
      await consumer.close()
    }
  }

  /// Handles one delivery until it is done with, set aside, or the service stops.
  private func take(_ delivery: AMQPDelivery) async {
    var backoff = backoff
    var isPaused = false
    var timeouts = 0
    while true {
      do {
        let isGivenUp = timeouts >= Self.timeoutLimit ? try await handler.giveUp(delivery) : false
        if !isGivenUp { try await handler.handle(delivery) }
        await consumer.acknowledge(delivery)
        break
      } catch {
        if let error = error as? PostgresError, error.code == .timeout { timeouts += 1 }
        switch meaning(of: error, for: delivery) {
        case .poison:
          await reporter.report(delivery, error: error, consumer: consumer)
          if isPaused { await consumer.resume() }
          return
        case .stopping:
          return
        case .databaseAway:
          if !isPaused { await consumer.pause() }
          isPaused = true
        case .later:
          break
        }
        logger.warning(
          "delivery not handled, trying again",
          metadata: [LogKey.queue: "\(delivery.queue)", LogKey.error: "\(error)"])
      }
      let delay = backoff.next()
      // Ended early only by shutdown or cancellation, which is looked at next.
      try? await cancelWhenGracefulShutdown { try await Task.sleep(for: delay) }
      if Task.isShuttingDownGracefully || Task.isCancelled { return }
    }
    if isPaused { await consumer.resume() }
  }

  /// What lies among the poison cannot be set aside again: that would go round for ever.
  private func meaning(of error: any Error, for delivery: AMQPDelivery) -> IntakeFailure {
    let meaning = IntakeFailure(error)
    return meaning == .poison && delivery.queue == BrokerNames.poison ? .later : meaning
  }
}
