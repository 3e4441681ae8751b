import AMQP
import Contracts
import Logging
import Postgres
import ServiceKit

/// Publishes the outbox and forgets what the broker has confirmed. Repeats are harmless: readers go by version.
actor OutboxRelay {
  private let pool: PostgresPool
  private let publisher: AMQPPublisher
  private let logger: Logger
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

  private func publish(_ batch: [OutboxEntry]) async throws {
    let publisher = publisher
    try await withThrowingTaskGroup(of: Void.self) { group in
      for entry in batch {
        group.addTask {
          try await publisher.publish(
            AMQPMessage(body: entry.body, messageID: entry.envelopeID.description, type: entry.type),
            exchange: BrokerNames.events, routingKey: entry.type)
        }
      }
      try await group.waitForAll()
    }
    try await Outbox.delete(batch.map(\.id), pool: pool)
  }
}
