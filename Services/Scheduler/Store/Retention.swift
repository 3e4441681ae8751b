import Contracts
import Postgres

/// Drops what nobody asks for any more: messages 7 days after they were final, commands that were carried out or whose
/// message never came.
struct Retention: Sendable {
  /// Messages in one run, so that dispatch is not held up.
  static let batchSize = 1000

  var term: LeaderTerm
  var age: Duration = .seconds(7 * 24 * 3600)

  /// One run.
  func prune() async throws {
    try await term.transaction { connection, now in
      let before = (now + (.zero - age)).date
      let rows = try await connection.query(
        """
        SELECT message_id FROM scheduler.messages WHERE finished_at < \(before) ORDER BY finished_at
        LIMIT \(Self.batchSize)
        """)
      let ids = try rows.map { MessageID(try $0.decode("message_id")).uuid }
      if !ids.isEmpty {
        try await connection.query("DELETE FROM scheduler.attempts WHERE message_id = ANY(\(ids))")
        try await connection.query("DELETE FROM scheduler.units WHERE message_id = ANY(\(ids))")
        try await connection.query("DELETE FROM scheduler.messages WHERE message_id = ANY(\(ids))")
      }
      try await connection.query("DELETE FROM scheduler.inbox WHERE received_at < \(before)")
      try await connection.query(
        """
        DELETE FROM scheduler.early_commands
        WHERE received_at < \((now + (.zero - CommandStore.patience)).date)
        """)
    }
  }
}
