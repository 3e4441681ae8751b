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

  /// Holds a user back, or lets them go on, and answers with how many SMS wait in the queue and are under way.
  ///
  /// It takes as long with millions that wait as with one.
  /// - Parameter returned: SMS of the user that were dispatched before and wait again.
  /// - Returns: The facts to publish; `nil` for a command that has been carried out before.
  func setPaused(
    _ isPaused: Bool, _ user: UserID, command: MessageCommand, returned: Int = 0
  ) async throws -> [OutboxEntry]? {
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
      let counts = try await Self.queued(of: user, returned: returned, connection)
      try facts.add(command.answer(counts: counts), at: now, requestID: command.requestID)
      return try await Outbox.insert(facts, connection)
    }
  }

  /// What of a user waits in the queue, and what is under way, which the providers' credit bounds.
  private static func queued(
    of user: UserID, returned: Int, _ connection: PostgresConnection
  ) async throws -> UnitCounts {
    let row = try await connection.query(
      """
      SELECT (SELECT coalesce(sum(f.backlog), 0)::bigint FROM scheduler.flows f WHERE f.user_id = \(user.uuid)) AS backlog,
        (SELECT count(*) FROM scheduler.units u JOIN scheduler.messages m USING (message_id)
           JOIN scheduler.flows f USING (flow_id)
         WHERE u.state = 'sending' AND f.user_id = \(user.uuid)) AS sending
      """
    ).first
    guard let row else { return UnitCounts() }
    var counts = UnitCounts()
    counts.pending = try row.decode("backlog", as: Int.self) + returned
    counts.sending = try row.decode("sending")
    return counts
  }
}
