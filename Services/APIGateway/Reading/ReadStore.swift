import Contracts
import Foundation
import Postgres

/// What the projector publishes, read from PostgreSQL; nothing of it is written here.
struct ReadStore: Sendable {
  let pool: PostgresPool

  func message(_ id: MessageID) async throws -> MessageRow? {
    try await pool.query(
      "SELECT \(unsafeRaw: MessageRow.columns) FROM projection.messages_read WHERE message_id = \(id.uuid)"
    ).first.map(MessageRow.init)
  }

  /// The first numbers of each of these messages, at most `limit` of each.
  func phones(of messages: [MessageID], limit: Int) async throws -> [MessageID: [String]] {
    var phones: [MessageID: [String]] = [:]
    let rows = try await pool.query(
      """
      SELECT message_id, phone FROM projection.recipients_read
      WHERE message_id = ANY (\(messages.map(\.uuid))) AND unit_index < \(limit) ORDER BY message_id, unit_index
      """)
    for row in rows {
      phones[MessageID(try row.decode("message_id", as: UUID.self)), default: []].append(try row.decode("phone"))
    }
    return phones
  }

  /// Up to `limit` recipients of a message behind an index, in order.
  func recipients(of id: MessageID, state: UnitState?, after index: Int, limit: Int) async throws -> [RecipientRow] {
    let condition: PostgresQuery = state.map { "AND state = \($0.rawValue)" } ?? ""
    return try await pool.query(
      """
      SELECT message_id, unit_index, phone, state, coalesce(a.attempts, 0) AS attempts, provider, error_code,
        error_message, sent_at, may_be_duplicate
      FROM projection.recipients_read LEFT JOIN (
        SELECT unit_index, count(*) AS attempts FROM projection.attempts_read
        WHERE message_id = \(id.uuid) AND outcome IS NOT NULL GROUP BY unit_index) a USING (unit_index)
      WHERE message_id = \(id.uuid) AND unit_index > \(index) \(condition)
      ORDER BY unit_index LIMIT \(limit)
      """
    ).map(RecipientRow.init)
  }

  func hasMessages(of user: UserID) async throws -> Bool {
    try await pool.query(
      "SELECT 1 AS found FROM projection.messages_read WHERE user_id = \(user.uuid) LIMIT 1"
    ).first != nil
  }

  /// The time of the newest fact that the read side has taken in; `nil` before the first.
  func logTime() async throws -> Timestamp? {
    try await pool.query("SELECT log_time FROM projection.progress_read").first?.decodeTime("log_time")
  }
}
