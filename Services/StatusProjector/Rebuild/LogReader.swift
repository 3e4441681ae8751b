import AMQP
import Contracts
import Logging

/// Reads `events.log` in batches, each waited for with a limit.
struct LogReader: Sendable {
  private let consumer: AMQPConsumer
  private let buffer: BatchBuffer<LogEntry>

  /// Reads for as long as `body` runs.
  static func with<Result: Sendable>(
    _ amqp: AMQPConfiguration, from start: StreamOffset, limits: BatchLimits, logger: Logger,
    _ body: @Sendable @escaping (LogReader) async throws -> Result
  ) async throws -> Result {
    let consumer = AMQPConsumer(
      configuration: amqp,
      subscriptions: [
        AMQPSubscription(queue: BrokerNames.log, prefetch: UInt16(clamping: 2 * limits.count), streamOffset: start)
      ],
      logger: logger)
    let buffer = BatchBuffer<LogEntry>(limits: limits) { $0.delivery.body.count }
    return try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask {
        try await consumer.run()
        return nil
      }
      group.addTask {
        for await delivery in consumer.deliveries { buffer.append(LogEntry(delivery)) }
        buffer.finish()
        return nil
      }
      group.addTask { try await body(LogReader(consumer: consumer, buffer: buffer)) }
      defer { group.cancelAll() }
      while let ended = try await group.next() {
        if let result = ended { return result }
      }
      throw CancellationError()
    }
  }

  /// True while the broker delivers, or would if there were anything.
  var isReading: Bool { consumer.isReady }

  /// The next stretch of the log, or `nil` when nothing came in time.
  func next(within limit: Duration) async -> [LogEntry]? {
    await withTaskGroup(of: [LogEntry]?.self) { group in
      group.addTask { await buffer.next() }
      group.addTask {
        // Cancelled once there is a batch.
        try? await Task.sleep(for: limit)
        return nil
      }
      var batch = await group.next() ?? nil
      group.cancelAll()
      // A batch may come as time runs out; it must not be lost.
      while let late = await group.next() { batch = late ?? batch }
      return batch
    }
  }

  /// These entries, and all before them, are done with.
  func acknowledge(_ entries: [LogEntry]) async {
    if let last = entries.last { await consumer.acknowledge(last.delivery, multiple: true) }
  }
}
