import Contracts
import Foundation
import Postgres

/// The audit in PostgreSQL.
struct AuditStore: Sendable {
  let pool: PostgresPool

  /// Writes entries, each once however often it is written.
  func insert(_ entries: [AuditEntry]) async throws {
    try await pool.query(
      """
      INSERT INTO accounts.audit
        (id, at, user_id, username, action, subject_type, subject_id, details, outcome, address, request_id)
      SELECT id, at, user_id, username, action, subject_type, subject_id, details::jsonb, outcome, address, request_id
      FROM unnest(
        \(entries.map(\.id.uuid)), \(entries.map(\.at.date)), \(entries.map { $0.userID?.uuid }),
        \(entries.map(\.username)), \(entries.map(\.action)), \(entries.map(\.subjectType)),
        \(entries.map(\.subjectID)), \(entries.map { JSONWriter.text(.object($0.details)) }),
        \(entries.map(\.outcome)), \(entries.map(\.address)), \(entries.map(\.requestID)))
        AS e(id, at, user_id, username, action, subject_type, subject_id, details, outcome, address, request_id)
      ON CONFLICT (id) DO NOTHING
      """)
  }

  /// Up to `limit` entries, newest first, behind a cursor.
  func entries(_ filter: AuditFilter, after cursor: PageCursor?, limit: Int) async throws -> [AuditEntry] {
    let user: PostgresQuery =
      filter.userID.map {
        "AND (user_id = \($0) OR (subject_type = 'user' AND subject_id = \($0.uuidString.lowercased())))"
      } ?? ""
    let action: PostgresQuery = filter.action.map { "AND action = \($0)" } ?? ""
    let from: PostgresQuery = filter.from.map { "AND at >= \($0.date)" } ?? ""
    let to: PostgresQuery = filter.to.map { "AND at <= \($0.date)" } ?? ""
    let behind: PostgresQuery =
      cursor.map { "AND (at, id) < (\($0.acceptedAt.date), \($0.messageID.uuid))" } ?? ""
    return try await pool.query(
      """
      SELECT id, at, user_id, username, action, subject_type, subject_id, details::text AS details, outcome, address,
        request_id
      FROM accounts.audit WHERE true \(user) \(action) \(from) \(to) \(behind) ORDER BY at DESC, id DESC LIMIT \(limit)
      """
    ).map(AuditEntry.init)
  }
}

/// Which entries a list shows.
struct AuditFilter: Sendable {
  /// Who did it, or to whom.
  var userID: UUID?
  var action: String?
  var from: Timestamp?
  var to: Timestamp?
}
