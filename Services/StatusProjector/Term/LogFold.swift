import AMQP
import Contracts
import Postgres
import ServiceKit

/// Folds deliveries into the read tables and acknowledges them once that is committed.
struct LogFold: Sendable {
  private let store: ProjectionStore
  private let consumer: AMQPConsumer
  private let poison: PoisonReporter
  private let metrics: ProjectorMetrics
  private var queueEpoch: Int64

  init(
    store: ProjectionStore, start: ProjectionStore.Position, consumer: AMQPConsumer, poison: PoisonReporter,
    metrics: ProjectorMetrics
  ) {
    self.store = store
    self.consumer = consumer
    self.poison = poison
    self.metrics = metrics
    queueEpoch = start.queueEpoch
  }

  /// Folds whatever comes, until nothing more does.
  mutating func run(_ buffer: BatchBuffer<AMQPDelivery>) async throws {
    while let deliveries = await buffer.next() { try await fold(deliveries) }
  }

  private mutating func fold(_ deliveries: [AMQPDelivery]) async throws {
    var entries: [LogEntry] = []
    var offset: UInt64 = 0
    for delivery in deliveries {
      guard let place = delivery.streamOffset else { throw LogIsNoStream() }
      offset = place
      do {
        let logged = try FactDecoder.decode(delivery.body, type: delivery.type ?? delivery.routingKey)
        entries.append(LogEntry(delivery: delivery, offset: place, logged: logged))
      } catch {
        await setAside(delivery, error)
      }
    }
    try await write(entries[...], upTo: offset)
    // With all before it.
    if let last = deliveries.last { await consumer.acknowledge(last, multiple: true) }
  }

  /// Writes a stretch of the log; facts that the tables refuse are found by halving it, set aside and left out.
  private mutating func write(_ entries: ArraySlice<LogEntry>, upTo offset: UInt64) async throws {
    var batch = FoldedBatch(queueEpoch: queueEpoch)
    for entry in entries { batch.apply(entry.logged) }
    do {
      try await store.write(batch, upTo: offset)
    } catch let error as PostgresError where error.isCausedByValues && !entries.isEmpty {
      if entries.count == 1 {
        for entry in entries { await setAside(entry.delivery, error) }
        return try await write([], upTo: offset)
      }
      let halves = (entries.prefix(entries.count / 2), entries.dropFirst(entries.count / 2))
      try await write(halves.0, upTo: halves.0.last?.offset ?? offset)
      return try await write(halves.1, upTo: offset)
    }
    queueEpoch = batch.queueEpoch
    metrics.folded(batch, facts: entries.count)
  }

  /// Puts a fact where an admin sees it. A broker that takes nothing does not hold up the log for long: the fact stays in
  /// it, and the error is logged.
  private func setAside(_ delivery: AMQPDelivery, _ error: any Error) async {
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

/// `events.log` is not a stream: its messages have no offsets to go by.
struct LogIsNoStream: Error {}
