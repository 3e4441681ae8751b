import Contracts
import Foundation
import Postgres

/// One page of SMS.
struct FoundRequests: Sendable {
  var rows: [RequestRow]
  /// Where the list goes on; `nil` at its end.
  var next: PageCursor?
}

extension ReadStore {
  /// SMS that one request looks at, at most.
  static let requestWindow = 2_000

  /// A page of a user's SMS: newest message first, and its SMS in order. Where a filter passes over many, a page may have
  /// less than its size, also none, and go on.
  func requests(_ filter: RequestFilter) async throws -> FoundRequests {
    let state: PostgresQuery = filter.state.map { "AND s.state = \($0.rawValue)" } ?? ""
    let provider: PostgresQuery = filter.provider.map { "AND s.provider = \($0)" } ?? ""
    let rows = try await pool.query(
      """
      SELECT s.*, \(unsafeRaw: RequestRow.attempts) FROM (\(lookedAt(filter, RequestRow.columns))) s WHERE true \(state) \(provider)
      ORDER BY accepted_at DESC, message_id DESC, unit_index LIMIT \(filter.size + 1)
      """
    ).map(RequestRow.init)
    if rows.count > filter.size {
      return FoundRequests(rows: Array(rows.prefix(filter.size)), next: rows[filter.size - 1].cursor)
    }
    // Without a filter nothing was passed over.
    guard filter.state != nil || filter.provider != nil else { return FoundRequests(rows: rows, next: nil) }
    let last = try await pool.query(
      """
      SELECT accepted_at, message_id, unit_index
      FROM (\(lookedAt(filter, "m.accepted_at, r.message_id, r.unit_index"))) s
      ORDER BY accepted_at DESC, message_id DESC, unit_index OFFSET \(Self.requestWindow - 1)
      """
    ).first
    return FoundRequests(
      rows: rows,
      next: try last.map { row in
        PageCursor(
          acceptedAt: Timestamp(try row.decode("accepted_at", as: Date.self)),
          messageID: MessageID(try row.decode("message_id", as: UUID.self)), unitIndex: try row.decode("unit_index"))
      })
  }

  /// The SMS that a page chooses from: never more messages are read than it takes for so many.
  private func lookedAt(_ filter: RequestFilter, _ columns: String) -> PostgresQuery {
    let behind: PostgresQuery =
      filter.cursor.flatMap { cursor in
        cursor.unitIndex.map { "AND (r.message_id <> \(cursor.messageID.uuid) OR r.unit_index > \($0))" }
      } ?? ""
    return """
      SELECT \(unsafeRaw: columns)
      FROM (\(filter.messages.newest("m.message_id, m.accepted_at, m.content", limit: Self.requestWindow + 1))) m
      CROSS JOIN LATERAL (
        SELECT * FROM projection.recipients_read r WHERE r.message_id = m.message_id \(behind)
        ORDER BY r.unit_index LIMIT \(Self.requestWindow + 1)) r
      ORDER BY m.accepted_at DESC, m.message_id DESC, r.unit_index LIMIT \(Self.requestWindow)
      """
  }

  /// One SMS of a message.
  func request(_ unit: UnitID) async throws -> RequestRow? {
    try await pool.query(
      """
      SELECT s.*, \(unsafeRaw: RequestRow.attempts) FROM (
        SELECT \(unsafeRaw: RequestRow.columns)
        FROM projection.messages_read m JOIN projection.recipients_read r USING (message_id)
        WHERE r.message_id = \(unit.messageID.uuid) AND r.unit_index = \(unit.index)) s
      """
    ).first.map(RequestRow.init)
  }

  /// Every try to send it, in order.
  func attempts(of unit: UnitID) async throws -> [AttemptRow] {
    try await pool.query(
      """
      SELECT dispatch, provider, outcome, reply_status, reply_body, error_code, started_at, finished_at
      FROM projection.attempts_read
      WHERE message_id = \(unit.messageID.uuid) AND unit_index = \(unit.index) ORDER BY dispatch
      """
    ).map(AttemptRow.init)
  }
}
