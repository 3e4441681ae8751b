import Contracts
import Foundation
import Postgres

/// Takes out what is old, in small steps. Each is a transaction under the leader's epoch, and holds the fold off: the two
/// never wait for each other's rows.
///
/// Tables are not partitioned by time: the ids of messages with an `Idempotency-Key` are made from the key and carry no
/// time, so that a fact about such a message, which knows its id alone, would have to look into every partition.
extension ProjectionStore {
  /// Messages of one step.
  private static let stepMessages = 300
  /// SMS of one step, but for one message that has more.
  private static let stepUnits = 5_000

  /// Takes text, numbers and answers out of final messages accepted so many days ago, the oldest first.
  /// - Returns: How many messages; 0 when none is left.
  func redact(afterDays days: Int) async throws -> Int {
    try await step { connection in
      let ids: [UUID] = try await connection.query(
        picking("NOT is_open AND redacted_at IS NULL AND recipient_count > 0 AND accepted_at < \(Self.before(days))")
      ).map { try $0.decode("message_id") }
      try await redact(ids, connection)
      return ids.count
    }
  }

  /// Drops messages accepted, and final, for so many days, with their recipients and attempts, and facts of that age about
  /// messages that never came.
  /// - Returns: How many messages; 0 when none is left.
  func drop(afterDays days: Int) async throws -> Int {
    try await step { connection in
      var ids: [UUID] = try await connection.query(
        picking(
          """
          NOT is_open AND recipient_count > 0 AND accepted_at < \(Self.before(days))
          AND greatest(changed_at, finished_at, accepted_at) < \(Self.before(days))
          """)
      )
      .map { try $0.decode("message_id") }
      ids += try await connection.query(
        """
        SELECT message_id FROM \(schema).messages WHERE accepted_at IS NULL AND changed_at < \(Self.before(days))
        ORDER BY changed_at LIMIT \(Self.stepMessages)
        """
      ).map { try $0.decode("message_id") }
      for table in ["attempts", "recipients", "messages"] {
        try await connection.query(
          "DELETE FROM \(schema).\(unsafeRaw: table) WHERE message_id = ANY (\(ids))")
      }
      return ids.count
    }
  }

  /// Drops the throughput of minutes so many days ago.
  func dropThroughput(afterDays days: Int) async throws {
    _ = try await step { connection in
      try await connection.query("DELETE FROM \(schema).throughput WHERE minute < \(Self.before(days))").affected
    }
  }

  /// Takes out again what a batch has just written about messages that are redacted: late facts bring nothing back.
  func redactAgain(_ messages: [MessageID], _ connection: PostgresConnection) async throws {
    guard !messages.isEmpty else { return }
    let ids: [UUID] = try await connection.query(
      """
      SELECT message_id FROM \(schema).messages
      WHERE message_id = ANY (\(messages.map(\.uuid))) AND redacted_at IS NOT NULL
      """
    ).map { try $0.decode("message_id") }
    if !ids.isEmpty { try await redact(ids, connection) }
  }

  private func redact(_ ids: [UUID], _ connection: PostgresConnection) async throws {
    try await connection.query(
      """
      UPDATE \(schema).recipients SET phone = '', error_message = NULL
      WHERE message_id = ANY (\(ids)) AND (phone <> '' OR phone IS NULL OR error_message IS NOT NULL)
      """)
    try await connection.query(
      "UPDATE \(schema).attempts SET reply_body = NULL WHERE message_id = ANY (\(ids)) AND reply_body IS NOT NULL")
    try await connection.query(
      """
      UPDATE \(schema).messages SET content = '', first_phone = '', last_reply_body = NULL,
        redacted_at = coalesce(redacted_at, sluice.clock())
      WHERE message_id = ANY (\(ids))
      """)
  }

  /// The oldest messages of a condition: as many as a step may have.
  private func picking(_ condition: PostgresQuery) -> PostgresQuery {
    """
    SELECT message_id FROM (
      SELECT message_id, sum(recipient_count) OVER (ORDER BY accepted_at, message_id) - recipient_count AS units_before
      FROM (
        SELECT message_id, accepted_at, recipient_count FROM \(schema).messages WHERE \(condition)
        ORDER BY accepted_at LIMIT \(Self.stepMessages)
      ) n
    ) s WHERE units_before < \(Self.stepUnits)
    """
  }

  private static func before(_ days: Int) -> PostgresQuery { .time(ago: .seconds(days * 86_400)) }

  private func step(_ body: (PostgresConnection) async throws -> Int) async throws -> Int {
    try await pool.withTransaction { connection in
      let leading = try await connection.query(
        """
        WITH leader AS (SELECT FROM \(schema).leadership WHERE epoch = \(epoch) FOR SHARE)
        SELECT FROM \(schema).progress WHERE EXISTS (SELECT FROM leader) FOR UPDATE
        """)
      guard leading.count == 1 else { throw Deposed() }
      return try await body(connection)
    }
  }
}
