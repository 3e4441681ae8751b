import Contracts
import Foundation
import Logging
import Postgres
import ServiceKit

/// Drops what nobody asks for any more: messages 7 days after they were final (of those with dead letters there stays what
/// a replay goes by, without text and numbers), commands that were carried out or whose
/// message never came.
///
/// It works beside the leader's loop, in transactions of bounded size, and a failure waits for the next run.
struct Retention: Sendable {
  /// Units in one transaction, but for one message that has more.
  static let unitLimit = 5000
  /// How long a final message stays.
  static let age = Duration.seconds(7 * 24 * 3600)

  var pool: PostgresPool
  var logger: Logger
  var age = Self.age

  /// Works until cancelled.
  func run() async throws {
    while true {
      do {
        while try await prune() > 0 { try await Task.sleep(for: .milliseconds(50)) }
      } catch let error as PostgresError {
        logger.warning("old messages not dropped, trying again later", metadata: [LogKey.error: "\(error)"])
      }
      try await Task.sleep(for: .seconds(60))
    }
  }

  /// One transaction.
  /// - Returns: How many messages it dropped.
  func prune() async throws -> Int {
    try await pool.withTransaction { connection in
      let before = PostgresQuery.time(ago: age)
      let rows = try await connection.query(
        """
        SELECT message_id, has_letters FROM (
          SELECT message_id, has_letters, total, sum(total) OVER (ORDER BY finished_at, message_id) AS units FROM (
            SELECT message_id, dead + unconfirmed > 0 AS has_letters, total, finished_at FROM scheduler.messages
            WHERE finished_at < \(before) AND (form = 'whole' OR dead + unconfirmed = 0)
            ORDER BY finished_at LIMIT 1000 FOR UPDATE SKIP LOCKED) old) counted
        WHERE units - total < \(Self.unitLimit)
        """)
      var ids: [UUID] = []
      var kept: [UUID] = []
      for row in rows {
        let id: UUID = try row.decode("message_id")
        if try row.decode("has_letters") { kept.append(id) } else { ids.append(id) }
      }
      if !kept.isEmpty { try await Self.strip(kept, connection) }
      if !ids.isEmpty {
        try await connection.query("DELETE FROM scheduler.attempts WHERE message_id = ANY(\(ids))")
        try await connection.query("DELETE FROM scheduler.units WHERE message_id = ANY(\(ids))")
        try await connection.query("DELETE FROM scheduler.messages WHERE message_id = ANY(\(ids))")
      }
      try await connection.query("DELETE FROM scheduler.inbox WHERE received_at < \(before)")
      try await connection.query(
        """
        DELETE FROM scheduler.early_commands WHERE received_at < \(PostgresQuery.time(ago: CommandStore.patience))
        """)
      try await connection.query("DELETE FROM scheduler.user_cancellations WHERE done_at < \(before)")
      try await connection.query("DELETE FROM scheduler.retries WHERE done_at < \(before)")
      try await connection.query("DELETE FROM scheduler.replay_cancellations WHERE done_at < \(before)")
      try await connection.query("DELETE FROM scheduler.cancelled_replays WHERE cancelled_at < \(before)")
      return rows.count
    }
  }

  /// Leaves the dead and unconfirmed units of messages, and what names their providers.
  private static func strip(_ ids: [UUID], _ connection: PostgresConnection) async throws {
    try await connection.query(
      """
      DELETE FROM scheduler.attempts a USING scheduler.units u
      WHERE a.message_id = ANY(\(ids)) AND u.message_id = a.message_id AND u.unit_index = a.unit_index
        AND u.state NOT IN ('dead', 'unconfirmed')
      """)
    try await connection.query("UPDATE scheduler.attempts SET reply_body = NULL WHERE message_id = ANY(\(ids))")
    try await connection.query(
      "DELETE FROM scheduler.units WHERE message_id = ANY(\(ids)) AND state NOT IN ('dead', 'unconfirmed')")
    try await connection.query(
      """
      UPDATE scheduler.messages SET form = 'stripped', content = '', recipients = '{}', reference = NULL
      WHERE message_id = ANY(\(ids))
      """)
  }
}
