import AMQP
import Contracts
import Logging
import Postgres
import ServiceKit

/// Publishes the outbox and forgets what the broker has confirmed. Repeats are harmless: readers go by version.
///
/// A batch leaves in no particular order, but a ledger's mark stands between what was written before and after it.
actor OutboxRelay {
  private let pool: PostgresPool
  private nonisolated let publisher: AMQPPublisher
  private nonisolated let logger: Logger
  private var entries: [OutboxEntry] = []
  private let bell = Bell()
  /// Published as left by an earlier leader, though it may be this one's: not published again from memory.
  private var lastLeft: Int64 = 0

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
    while case let left = try await Outbox.load(limit: 256, pool: pool), let last = left.last {
      lastLeft = last.id
      for batch in left.aroundMarks { try await publish(batch) }
    }
    while true {
      try Task.checkCancellation()
      guard !entries.isEmpty else {
        await bell.wait(until: .now + .seconds(60))
        continue
      }
      let next = entries.prefix(256)
      entries.removeFirst(next.count)
      for batch in next.filter({ $0.id > lastLeft }).aroundMarks { try await publish(batch) }
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
          let message = AMQPMessage(body: entry.body, messageID: entry.envelopeID.description, type: entry.type)
          if entry.isMark { try await self.publishMark(message) } else { try await self.publish(message) }
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
  /// A mark that the broker refuses is not worth holding up what comes behind it: the next one follows.
  private nonisolated func publishMark(_ message: AMQPMessage) async throws {
    do {
      try await publisher.publish(
        message, exchange: BrokerNames.events, routingKey: message.type ?? "", timeout: .seconds(5))
    } catch let error as PublishError where error.code != .closed {
      logger.warning("ledger's mark not published", metadata: [LogKey.error: "\(error)"])
    }
  }
}

extension OutboxEntry {
  fileprivate var isMark: Bool { type == MessageType.ledgerMarked.rawValue }
}

extension Array where Element == OutboxEntry {
  /// The same in order, each mark in a batch of its own: what is before it is confirmed before it is published.
  var aroundMarks: [[OutboxEntry]] {
    var batches: [[OutboxEntry]] = []
    var isOpen = false
    for entry in self {
      if isOpen, !entry.isMark {
        batches[batches.count - 1].append(entry)
      } else {
        batches.append([entry])
        isOpen = !entry.isMark
      }
    }
    return batches
  }
}
