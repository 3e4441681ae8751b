import AMQP
import Contracts
import Logging
import Postgres
import ServiceKit

/// Publishes the outbox and forgets what the broker has confirmed. Repeats are harmless: readers go by version.
actor OutboxRelay {
  private let pool: PostgresPool
  private nonisolated let publisher: AMQPPublisher
  private nonisolated let logger: Logger
  private var entries: [OutboxEntry] = []
  private let bell = Bell()

  init(pool: PostgresPool, publisher: AMQPPublisher, logger: Logger) {
    self.pool = pool
    self.publisher = publisher
    self.logger = logger
  }

  /// Takes facts whose transaction has committed.
  func add(_ new: [OutboxEntry]) {
    guard !new.isEmpty else { return }
    entries += new
    bell.ring()
  }

  /// Works until cancelled; begins with what an earlier leader left.
  func run() async throws {
    while case let left = try await Outbox.load(limit: 256, pool: pool), !left.isEmpty { try await publish(left) }
    while true {
      try Task.checkCancellation()
      guard !entries.isEmpty else {
        await bell.wait(until: .now + .seconds(60))
        continue
      }
      let batch = Array(entries.prefix(256))
      entries.removeFirst(batch.count)
      try await publish(batch)
    }
  }

  /// Publishes one fact that is worth repeating, and then waits for the end of the term.
  func announce(_ announcement: ProvidersChanged) async throws {
    let envelope = Envelope(announcement)
    let message = AMQPMessage(
      body: try Wire.encode(envelope), messageID: envelope.header.id.description, type: ProvidersChanged.type.rawValue)
    try await publish(message)
    while true { try await Task.sleep(for: .seconds(3600)) }
  }

  private func publish(_ batch: [OutboxEntry]) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for entry in batch {
        group.addTask {
          try await self.publish(
            AMQPMessage(body: entry.body, messageID: entry.envelopeID.description, type: entry.type))
        }
      }
      try await group.waitForAll()
    }
    Failpoint.reach(.outboxPublished)
    try await Outbox.delete(batch.map(\.id), pool: pool)
  }

  /// Publishes until it is confirmed. A fact that the broker refuses (a binding is missing, say) stays in the outbox and
  /// is tried again: the term goes on.
  private nonisolated func publish(_ message: AMQPMessage) async throws {
    var backoff = Backoff(minimum: .milliseconds(500), maximum: .seconds(10))
    while true {
      do {
        return try await publisher.publish(
          message, exchange: BrokerNames.events, routingKey: message.type ?? "")
      } catch let error as PublishError where error.code != .closed {
        logger.error(
          "fact not published, trying again",
          metadata: [LogKey.envelopeType: "\(message.type ?? "")", LogKey.error: "\(error)"])
        try await Task.sleep(for: backoff.next())
      }
    }
  }
}
