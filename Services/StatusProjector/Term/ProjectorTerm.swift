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
  let reading: LogReading
  let logger: Logger
  /// What else the leader does, until the fold ends: it checks and tidies up.
  let chores: [@Sendable () async throws -> Void]

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
          streamOffset: start.offset.map { .offset($0 + 1) } ?? .first, silence: .seconds(6))
      ],
      logger: logger)
    let buffer = BatchBuffer<LogEntry>(limits: limits) { $0.delivery.body.count }
    metrics.leads(true)
    reading.begin(consumer)
    defer {
      metrics.leads(false)
      reading.end()
    }
    do {
      try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask {
          try await consumer.run()
          return false
        }
        group.addTask {
          for await delivery in consumer.deliveries { buffer.append(LogEntry(delivery)) }
          buffer.finish()
          return false
        }
        for chore in chores {
          group.addTask {
            try await chore()
            return false
          }
        }
        group.addTask {
          var fold = LogFold(store: store, start: start, metrics: metrics) { delivery, error in
            await setAside(delivery, error, consumer)
          }
          while let entries = await buffer.next() {
            _ = try await fold.fold(entries)
            // With all before it.
            if let last = entries.last { await consumer.acknowledge(last.delivery, multiple: true) }
          }
          return true
        }
        defer { group.cancelAll() }
        // At a shutdown the consumer ends first; what it has delivered is still folded.
        while let isFolded = try await group.next(), !isFolded {}
      }
    } catch let error as PostgresError where error.code == .cancelled {
      // Not the database's failure: the lease is released at once.
      throw CancellationError()
    }
  }

  /// Puts a fact where an admin sees it. A broker that takes nothing does not hold up the log for long: the fact stays in
  /// it, and the error is logged.
  private func setAside(_ delivery: AMQPDelivery, _ error: any Error, _ consumer: AMQPConsumer) async {
    metrics.poisoned()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await poison.report(delivery, error: error, consumer: consumer) }
      // Cancelled once the report is through.
      group.addTask { try? await Task.sleep(for: .seconds(10)) }
      await group.next()
      group.cancelAll()
    }
  }
}
