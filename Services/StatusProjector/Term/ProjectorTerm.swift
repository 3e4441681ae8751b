import AMQP
import Contracts
import Logging
import Postgres
import ServiceKit

/// One term of leadership: reads the log from where the tables stand and folds it into them, batch after batch.
///
/// It ends with the first error; the next term begins at the stored offset, so nothing is missed and what is read twice
/// changes nothing.
struct ProjectorTerm: Sendable {
  let store: ProjectionStore
  let amqp: AMQPConfiguration
  let poison: PoisonReporter
  let limits: BatchLimits
  let metrics: ProjectorMetrics
  let logger: Logger

  /// Folds until cancelled or until something fails.
  func run() async throws {
    let start = try await store.position()
    logger.notice(
      "reading the log", metadata: ["offset": "\(start.offset.map(String.init) ?? "none")", "epoch": "\(store.epoch)"])
    let consumer = AMQPConsumer(
      configuration: amqp,
      subscriptions: [
        AMQPSubscription(
          queue: BrokerNames.log, prefetch: UInt16(clamping: 2 * limits.count),
          streamOffset: start.offset.map { .offset($0 + 1) } ?? .first)
      ],
      logger: logger)
    let buffer = BatchBuffer<AMQPDelivery>(limits: limits) { $0.body.count }
    metrics.leads(true)
    defer { metrics.leads(false) }
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await consumer.run() }
        group.addTask {
          for await delivery in consumer.deliveries { buffer.append(delivery) }
          buffer.finish()
        }
        group.addTask {
          var fold = LogFold(store: store, start: start, consumer: consumer, poison: poison, metrics: metrics)
          try await fold.run(buffer)
        }
        defer { group.cancelAll() }
        // At a shutdown the consumer ends first; what it has delivered is still folded.
        while try await group.next() != nil {}
      }
    } catch let error as PostgresError where error.code == .cancelled {
      // Not the database's failure: the lease is released at once.
      throw CancellationError()
    }
  }
}
