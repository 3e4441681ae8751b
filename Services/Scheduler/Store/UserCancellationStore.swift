import Contracts
import Foundation
import Metering
import Postgres

/// Cancellations of everything that one user had accepted before a moment, in steps that survive any crash.
struct UserCancellationStore: Sendable {
  /// Messages in one step.
  static let batchSize = 256

  var term: LeaderTerm

  /// One cancellation.
  struct Cancellation: Sendable {
    var user: UserID
    var command: MessageCommand
    /// What was accepted later stays.
    var before: Timestamp
    /// What the steps so far have done.
    var counts = UnitCounts()
    var isDone = false
  }

  /// Writes a cancellation down, if it is new.
  func begin(_ command: MessageCommand, _ user: UserID) async throws -> Cancellation {
    try await term.transaction { connection, _ in
      try await connection.query(
        """
        INSERT INTO scheduler.user_cancellations (command_id, user_id, before_at, body, counts)
        VALUES (\(command.id.uuid), \(user.uuid), \(command.header.at.date), \(command.text),
          \(try Self.text(UnitCounts())))
        ON CONFLICT (command_id) DO NOTHING
        """)
      let row = try await connection.query(
        "SELECT * FROM scheduler.user_cancellations WHERE command_id = \(command.id.uuid)"
      ).first
      guard let row, let cancellation = try Self.cancellation(row) else { throw StoreError.outOfStep }
      return cancellation
    }
  }

  /// Cancellations that an earlier leader did not finish.
  func open() async throws -> [Cancellation] {
    try await term.transaction { connection, _ in
      try await connection.query(
        "SELECT * FROM scheduler.user_cancellations WHERE done_at IS NULL ORDER BY before_at"
      ).compactMap(Self.cancellation)
    }
  }

  /// What one step did.
  struct Step: Sendable {
    var changes = MessageStore.Changes()
    var outbox: [OutboxEntry] = []
    var cancellation: Cancellation
  }

  /// Cancels the next messages; when none is left, the command is answered.
  func step(_ cancellation: Cancellation) async throws -> Step {
    try await term.transaction { connection, now in
      var step = Step(cancellation: cancellation)
      let ids = try await connection.query(
        """
        SELECT message_id FROM (
          SELECT message_id, total, sum(total) OVER (ORDER BY message_id) AS units FROM (
            SELECT m.message_id, m.total FROM scheduler.flows f JOIN scheduler.messages m USING (flow_id)
            WHERE f.user_id = \(cancellation.user.uuid) AND m.finished_at IS NULL
              AND (m.ended IS NULL OR m.ended = 'expired') AND m.accepted_at <= \(cancellation.before.date)
            LIMIT \(Self.batchSize)) next) counted
        WHERE units - total < \(SweepStore.unitLimit)
        """
      ).map(MessageID.init)
      var facts = Outbox.Draft()
      if ids.isEmpty {
        step.cancellation.isDone = true
        let command = cancellation.command
        if try await CommandStore.isNew(command.id, connection, now) {
          try facts.add(command.answer(counts: cancellation.counts), at: now, requestID: command.requestID)
        }
      } else {
        let store = MessageStore(connection: connection, now: now)
        let ended = try await store.end(try await store.lock(ids), as: .cancelled, facts: &facts)
        for counts in ended.counts.values {
          for state in UnitState.allCases { step.cancellation.counts[state] += counts[state] }
        }
        step.changes = ended.changes
      }
      let doneAt = step.cancellation.isDone ? now.date : nil
      try await connection.query(
        """
        UPDATE scheduler.user_cancellations SET counts = \(try Self.text(step.cancellation.counts)), done_at = \(doneAt)
        WHERE command_id = \(cancellation.command.id.uuid)
        """)
      step.outbox = try await Outbox.insert(facts, connection)
      return step
    }
  }

  /// Cancels messages that have just been stored and were accepted before a cancellation of their user.
  static func applyLate(
    to messages: [MessageAccepted], _ connection: PostgresConnection, at now: Timestamp, facts: inout Outbox.Draft
  ) async throws -> MessageStore.Changes? {
    let rows = try await connection.query(
      """
      SELECT user_id, max(before_at) AS before_at FROM scheduler.user_cancellations
      WHERE user_id = ANY(\(Array(Set(messages.map(\.userID.uuid))))) GROUP BY user_id
      """)
    var before: [UserID: Timestamp] = [:]
    for row in rows {
      before[UserID(try row.decode("user_id", as: UUID.self))] = Timestamp(try row.decode("before_at", as: Date.self))
    }
    let late = messages.filter { message in before[message.userID].map { message.acceptedAt <= $0 } ?? false }
    guard !late.isEmpty else { return nil }
    let store = MessageStore(connection: connection, now: now)
    return try await store.end(try await store.lock(late.map(\.messageID)), as: .cancelled, facts: &facts).changes
  }

  private static func text(_ counts: UnitCounts) throws -> String {
    String(decoding: try JSONEncoder().encode(counts), as: UTF8.self)
  }

  private static func cancellation(_ row: PostgresRow) throws -> Cancellation? {
    let body: String = try row.decode("body")
    guard case .messages(let command, .user(let user)) = try ReceivedCommand(Array(body.utf8)) else { return nil }
    return Cancellation(
      user: user, command: command, before: Timestamp(try row.decode("before_at", as: Date.self)),
      counts: try JSONDecoder().decode(UnitCounts.self, from: Data(try row.decode("counts", as: String.self).utf8)),
      isDone: try row.decode("done_at", as: Date?.self) != nil)
  }
}
