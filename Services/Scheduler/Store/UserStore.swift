import Contracts
import Foundation
import Metering
import Postgres

/// One user's traffic as a whole: held back, let go.
struct UserStore: Sendable {
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

  /// The counts of a user's messages that are not final.
  private static func openCounts(of user: UserID, _ connection: PostgresConnection) async throws -> UnitCounts {
    let row = try await connection.query(
      """
      SELECT coalesce(sum(m.sent), 0)::bigint AS sent, coalesce(sum(m.failed), 0)::bigint AS failed,
        coalesce(sum(m.dead), 0)::bigint AS dead, coalesce(sum(m.expired), 0)::bigint AS expired,
        coalesce(sum(m.cancelled), 0)::bigint AS cancelled, coalesce(sum(m.unconfirmed), 0)::bigint AS unconfirmed,
        coalesce(sum(m.total), 0)::bigint AS total,
        (SELECT count(*) FROM scheduler.units u JOIN scheduler.messages USING (message_id)
           JOIN scheduler.flows f USING (flow_id)
         WHERE f.user_id = \(user.uuid) AND u.state = 'sending') AS sending
      FROM scheduler.flows f JOIN scheduler.messages m USING (flow_id)
      WHERE f.user_id = \(user.uuid) AND m.finished_at IS NULL
      """
    ).first
    guard let row else { return UnitCounts() }
    var counts = try UnitCounts(row)
    counts.sending = try row.decode("sending")
    counts.pending = try row.decode("total", as: Int.self) - counts.total
    return counts
  }
}
