import AMQP
import Contracts
import Logging
import Postgres
import ServiceKit

/// Publishes the outbox and forgets what the broker has confirmed. Repeats are harmless: readers go by version.
///
/// A batch leaves in no particular order, but a ledger's mark and the heads of the queue stand between what was written
/// before and after them.
actor OutboxRelay {
  private let pool: PostgresPool
  private nonisolated let publisher: AMQPPublisher
  private nonisolated let logger: Logger
  private var entries: [OutboxEntry] = []
  private let bell = Bell()
  /// Published as left by an earlier leader, though it may be this one's: not published again from memory.
  private var lastLeft: Int64 = 0
  private var toldAt = ContinuousClock.now

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

  /// Where the last heads are.
  enum Passing: Sendable {
    /// Told, or none were taken.
    case through
    /// Still on their way: newer ones can wait, and grow meanwhile.
    case underWay
    /// The broker did not take them: readers know less than they should.
    case lost
  }

  private(set) var passing = Passing.through

  /// Takes the heads of the queue: they leave after everything that they count.
  func add(passing body: some Payload) {
    let envelope = Envelope(body)
    do {
      entries.append(
        OutboxEntry(
          id: nil, type: envelope.header.type.rawValue, envelopeID: envelope.header.id, body: try Wire.encode(envelope))
      )
      passing = .underWay
      bell.ring()
    } catch {
      passing = .lost
      logger.error("heads not told", metadata: [LogKey.error: "\(error)"])
    }
  }

  /// Works until cancelled; begins with what an earlier leader left.
  func run() async throws {
    // Up to what is there now: what this term adds meanwhile comes from memory.
    let end = try await Outbox.lastID(pool: pool)
    var last: Int64 = 0
    while let end, case let left = try await Outbox.load(limit: 256, after: last, upTo: end, pool: pool), !left.isEmpty
    {
      for batch in left.aroundCuts { try await publish(batch) }
      // What could not be set aside is not met again.
      last = left.compactMap(\.id).max() ?? end
    }
    lastLeft = end ?? 0
    while true {
      try Task.checkCancellation()
      guard !entries.isEmpty else {
        await bell.wait(until: .now + .seconds(60))
        continue
      }
      let next = entries.prefix(256)
      entries.removeFirst(next.count)
      for batch in next.filter({ $0.id ?? .max > lastLeft }).aroundCuts { try await publish(batch) }
    }
  }

  /// Says something to the log every other second, if nothing else was said: a reader to whom nothing comes for longer
  /// knows that its connection is at fault. Works until cancelled.
  func beat() async throws {
    while true {
      try await Task.sleep(for: .seconds(1))
      guard toldAt.duration(to: .now) >= .seconds(2) else { continue }
      // No message was queued: a fact that every reader understands and that changes nothing.
      let envelope = Envelope(MessagesQueued(messages: [], queuedAt: .now()))
      let message = AMQPMessage(
        body: try Wire.encode(envelope), messageID: envelope.header.id.description, type: MessagesQueued.type.rawValue)
      // What is not told now is told with the next beat.
      if (try? await publishCut(message)) == true { toldAt = .now }
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
    let told = try await withThrowingTaskGroup(of: Int64?.self) { group in
      for entry in batch {
        group.addTask {
          let message = AMQPMessage(body: entry.body, messageID: entry.envelopeID.description, type: entry.type)
          guard entry.isCut else { return try await self.publish(message) ? entry.id : nil }
          let isTold = try await self.publishCut(message)
          if entry.id == nil { await self.notePassing(isTold) }
          return entry.id
        }
      }
      var told: [Int64] = []
      for try await id in group { if let id { told.append(id) } }
      return told
    }
    toldAt = .now
    Failpoint.reach(.outboxPublished)
    try await Outbox.delete(told, pool: pool)
  }

  /// Publishes until it is confirmed. A fact that the broker refuses (a binding is missing, say) stays in the outbox and
  /// is tried again: the term goes on. One that it will never take is set aside.
  /// - Returns: False for a fact that could not be set aside either. It stays in the outbox until the next term.
  @discardableResult
  private nonisolated func publish(_ message: AMQPMessage) async throws -> Bool {
    var backoff = Backoff(minimum: .milliseconds(500), maximum: .seconds(10))
    while true {
      do {
        try await publisher.publish(message, exchange: BrokerNames.events, routingKey: message.type ?? "")
        return true
      } catch let error as PublishError where error.isForGood {
        return try await setAside(message, error)
      } catch let error as PublishError where error.code != .closed {
        logger.error(
          "fact not published, trying again",
          metadata: [LogKey.envelopeType: "\(message.type ?? "")", LogKey.error: "\(error)"])
        try await Task.sleep(for: backoff.next())
      }
    }
  }

  /// Puts a fact that the broker will never take where an admin sees it: nothing waits behind it.
  private nonisolated func setAside(_ message: AMQPMessage, _ error: PublishError) async throws -> Bool {
    logger.error(
      "fact refused by the broker and set aside: what it tells is missing in the read tables",
      metadata: [
        LogKey.envelopeType: "\(message.type ?? "")", LogKey.envelopeID: "\(message.messageID ?? "")",
        LogKey.error: "\(error)",
      ])
    var message = message
    message.headers = [
      PoisonHeader.originQueue: .string(BrokerNames.log), PoisonHeader.originExchange: .string(BrokerNames.events),
      PoisonHeader.originRoutingKey: .string(message.type ?? ""), PoisonHeader.error: .string("\(error)"),
    ]
    do {
      try await publisher.publish(
        message, exchange: BrokerNames.dead, routingKey: message.type ?? "", timeout: .seconds(10))
      return true
    } catch let error as PublishError where error.code != .closed {
      logger.error(
        "fact not set aside: it stays in scheduler.outbox",
        metadata: [LogKey.envelopeID: "\(message.messageID ?? "")", LogKey.error: "\(error)"])
      return false
    }
  }

  private func notePassing(_ isTold: Bool) { passing = isTold ? .through : .lost }

  /// A mark or heads that the broker refuses are not worth holding up what comes behind them: the next follow.
  /// - Returns: Whether the broker took it.
  private nonisolated func publishCut(_ message: AMQPMessage) async throws -> Bool {
    do {
      try await publisher.publish(
        message, exchange: BrokerNames.events, routingKey: message.type ?? "", timeout: .seconds(5))
      return true
    } catch let error as PublishError where error.code != .closed {
      logger.warning(
        "not published", metadata: [LogKey.envelopeType: "\(message.type ?? "")", LogKey.error: "\(error)"])
      return false
    }
  }
}

extension OutboxEntry {
  /// Whether it tells how things stand when all before it has been told.
  fileprivate var isCut: Bool { id == nil || type == MessageType.ledgerMarked.rawValue }
}

extension Array where Element == OutboxEntry {
  /// The same in order, each cut in a batch of its own: what is before it is confirmed before it is published.
  var aroundCuts: [[OutboxEntry]] {
    var batches: [[OutboxEntry]] = []
    var isOpen = false
    for entry in self {
      if isOpen, !entry.isCut {
        batches[batches.count - 1].append(entry)
      } else {
        batches.append([entry])
        isOpen = !entry.isCut
      }
    }
    return batches
  }
}

extension PublishError {
  /// Whether another try would end alike: the message is too large (406) or cannot be carried at all. A missing permission
  /// (403) is mended by an administrator, and the fact is worth waiting for.
  fileprivate var isForGood: Bool { code == .rejected && replyCode.map { $0 == 406 } ?? true }
}
