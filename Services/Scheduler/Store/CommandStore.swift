import Contracts
import Foundation
import Metering
import Postgres

/// Carries out commands about messages, each once however often it is delivered, with its answer.
struct CommandStore: Sendable {
  /// How long a command waits for a message that it has overtaken.
  static let patience = Duration.seconds(24 * 3600)

  var term: LeaderTerm

  /// What a command did.
  struct Result: Sendable {
    var changes = MessageStore.Changes()
    var outbox: [OutboxEntry] = []
  }

  /// What a run of commands did.
  struct Run: Sendable {
    /// How many were carried out, from the first on: the others' time has not come.
    var count = 0
    /// In the order of the commands.
    var changes: [MessageStore.Changes] = []
    var outbox: [OutboxEntry] = []
  }

  /// Carries out commands about single messages, in order and in one transaction; keeps those whose messages are not
  /// known yet.
  /// - Parameter deadline: No command but the first one begins later.
  func apply(
    _ commands: [(command: MessageCommand, message: MessageID)], until deadline: ContinuousClock.Instant
  ) async throws -> Run {
    try await term.transaction { connection, now in
      var run = Run()
      var facts = Outbox.Draft()
      for (place, next) in commands.enumerated() where place == 0 || ContinuousClock.now < deadline {
        run.count += 1
        guard try await Self.isNew(next.command.id, connection, now) else { continue }
        // Each a moment later than the one before, so that readers know which was the last.
        let store = MessageStore(connection: connection, now: now + .microseconds(place))
        guard let message = try await store.lock([next.message]).first else {
          try await Self.keep(next.command, until: next.message, store)
          continue
        }
        run.changes.append(try await Self.carryOut(next.command, message, store, &facts))
      }
      run.outbox = try await Outbox.insert(facts, connection)
      return run
    }
  }

  /// Keeps a command that has overtaken its message.
  static func keep(_ command: MessageCommand, until id: MessageID, _ store: MessageStore) async throws {
    try await store.connection.query(
      """
      INSERT INTO scheduler.early_commands (command_id, message_id, body, received_at)
      VALUES (\(command.id.uuid), \(id.uuid), \(command.text), \(store.now.date))
      """)
  }

  /// Carries out the commands that overtook messages which have just been stored, one after another.
  static func applyEarly(
    to ids: [MessageID], _ connection: PostgresConnection, at now: Timestamp, facts: inout Outbox.Draft
  ) async throws -> [MessageStore.Changes] {
    let rows = try await connection.query(
      """
      DELETE FROM scheduler.early_commands WHERE message_id = ANY(\(ids.map(\.uuid)))
      RETURNING message_id, body, received_at
      """
    ).map {
      (
        message: try MessageID($0), body: try $0.decode("body", as: String.self),
        receivedAt: try $0.decode("received_at", as: Date.self)
      )
    }
    var changes: [MessageStore.Changes] = []
    for (place, row) in rows.sorted(by: { $0.receivedAt < $1.receivedAt }).enumerated() {
      // Each a moment later than the one before, so that readers know which was the last.
      let store = MessageStore(connection: connection, now: now + .microseconds(place))
      guard let message = try await store.lock([row.message]).first,
        case .messages(let command, _) = try ReceivedCommand(Array(row.body.utf8))
      else { continue }
      changes.append(try await carryOut(command, message, store, &facts))
    }
    return changes
  }

  /// Notes a command.
  /// - Returns: False when it has been carried out before.
  static func isNew(_ id: EnvelopeID, _ connection: PostgresConnection, _ now: Timestamp) async throws -> Bool {
    try await connection.query(
      """
      INSERT INTO scheduler.inbox (command_id, received_at) VALUES (\(id.uuid), \(now.date))
      ON CONFLICT (command_id) DO NOTHING
      """
    ).affected > 0
  }

  private static func carryOut(
    _ command: MessageCommand, _ message: MessageStore.Message, _ store: MessageStore, _ facts: inout Outbox.Draft
  ) async throws -> MessageStore.Changes {
    let id = message.entry.span.messageID
    var changes = MessageStore.Changes()
    var counts = message.counts
    var refusal: String?
    switch command.action {
    case .cancel where message.isFinished, .pause where message.isFinished, .resume where message.isFinished:
      refusal = "final"
    case .cancel:
      let ended = try await store.end([message], as: .cancelled, facts: &facts)
      changes = ended.changes
      counts = ended.counts[id] ?? counts
    case .pause:
      changes = try await store.pause([message])
      try facts.add(MessagesPaused(targets: [.message(id)], changedAt: store.now), at: store.now)
    case .resume:
      changes = try await store.resume([message])
      try facts.add(MessagesResumed(targets: [.message(id)], changedAt: store.now), at: store.now)
    case .retryFailed:
      // Of a message that has just arrived nothing has failed; for all others `RetryStore` does it.
      refusal = "nothing_to_retry"
    }
    try facts.add(command.answer(counts: counts, refusal: refusal), at: store.now, requestID: command.requestID)
    return changes
  }
}
