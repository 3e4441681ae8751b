import Contracts
import Foundation
import Metering
import Postgres

/// One user's traffic as a whole: held back, let go, cancelled.
struct UserStore: Sendable {
  /// Messages in one transaction of a cancellation.
  static let batchSize = 256

  var term: LeaderTerm

  /// Users that are held back.
  func paused() async throws -> Set<UserID> {
    try await term.transaction { connection, _ in
      Set(
        try await connection.query("SELECT user_id FROM scheduler.paused_users").map {
          UserID(try $0.decode("user_id", as: UUID.self))
        })
    }
  }

  /// Holds a user back, or lets them go on, and answers with the counts of what is not final.
  /// - Returns: The facts to publish; `nil` for a command that has been carried out before.
  func setPaused(_ isPaused: Bool, _ user: UserID, command: MessageCommand) async throws -> [OutboxEntry]? {
    try await term.transaction { connection, now in
      guard try await CommandStore.isNew(command.id, connection, now) else { return nil }
      if isPaused {
        try await connection.query(
          """
          INSERT INTO scheduler.paused_users (user_id, paused_at) VALUES (\(user.uuid), \(now.date))
          ON CONFLICT (user_id) DO NOTHING
          """)
      } else {
        try await connection.query("DELETE FROM scheduler.paused_users WHERE user_id = \(user.uuid)")
      }
      var facts = Outbox.Draft()
      if isPaused {
        try facts.add(MessagesPaused(targets: [.user(user)], changedAt: now), at: now)
      } else {
        try facts.add(MessagesResumed(targets: [.user(user)], changedAt: now), at: now)
      }
      let counts = try await Self.openCounts(of: user, connection)
      try facts.add(command.answer(counts: counts), at: now, requestID: command.requestID)
      return try await Outbox.insert(facts, connection)
    }
  }

  /// What one step of a cancellation did.
  struct CancelStep: Sendable {
    var changes = MessageStore.Changes()
    var outbox: [OutboxEntry] = []
    /// Counts of the messages that were cancelled in this step.
    var counts = UnitCounts()
    /// True when nothing is left to cancel.
    var isLast = false
  }

  /// Cancels the next messages of a user that were there when the command came.
  /// - Parameter before: Messages queued later stay.
  func cancel(_ user: UserID, before: Timestamp) async throws -> CancelStep {
    try await term.transaction { connection, now in
      let ids = try await connection.query(
        """
        SELECT m.message_id FROM scheduler.flows f JOIN scheduler.messages m USING (flow_id)
        WHERE f.user_id = \(user.uuid) AND m.finished_at IS NULL AND m.ended IS NULL AND m.queued_at <= \(before.date)
        LIMIT \(Self.batchSize)
        """
      ).map { MessageID(try $0.decode("message_id", as: UUID.self)) }
      var step = CancelStep()
      guard !ids.isEmpty else {
        step.isLast = true
        return step
      }
      let store = MessageStore(connection: connection, now: now)
      var facts = Outbox.Draft()
      let ended = try await store.end(try await store.lock(ids), as: .cancelled, facts: &facts)
      for counts in ended.counts.values { step.counts += counts }
      step.changes = ended.changes
      step.outbox = try await Outbox.insert(facts, connection)
      return step
    }
  }

  /// Answers a cancellation that has come to its end.
  func answerCancel(_ command: MessageCommand, counts: UnitCounts) async throws -> [OutboxEntry] {
    try await term.transaction { connection, now in
      guard try await CommandStore.isNew(command.id, connection, now) else { return [] }
      var facts = Outbox.Draft()
      try facts.add(command.answer(counts: counts), at: now, requestID: command.requestID)
      return try await Outbox.insert(facts, connection)
    }
  }

  /// The counts of a user's messages that are not final.
  private static func openCounts(of user: UserID, _ connection: PostgresConnection) async throws -> UnitCounts {
    let row = try await connection.query(
      """
      WITH open AS (
        SELECT m.* FROM scheduler.flows f JOIN scheduler.messages m USING (flow_id)
        WHERE f.user_id = \(user.uuid) AND m.finished_at IS NULL)
      SELECT coalesce(sum(sent), 0)::bigint AS sent, coalesce(sum(failed), 0)::bigint AS failed,
        coalesce(sum(dead), 0)::bigint AS dead, coalesce(sum(expired), 0)::bigint AS expired,
        coalesce(sum(cancelled), 0)::bigint AS cancelled, coalesce(sum(unconfirmed), 0)::bigint AS unconfirmed,
        coalesce(sum(total), 0)::bigint AS total,
        (SELECT count(*) FROM scheduler.units u JOIN open USING (message_id) WHERE u.state = 'sending') AS sending
      FROM open
      """
    ).first
    guard let row else { return UnitCounts() }
    var counts = try UnitCounts(row)
    counts.sending = try row.decode("sending")
    counts.pending = try row.decode("total", as: Int.self) - counts.total
    return counts
  }
}

extension UnitCounts {
  fileprivate static func += (left: inout UnitCounts, right: UnitCounts) {
    for state in UnitState.allCases { left[state] += right[state] }
  }
}
