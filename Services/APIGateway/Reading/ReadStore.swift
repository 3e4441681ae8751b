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

  /// Up to one more than the page's size of a user's messages, newest first: the last one says that there are more.
  func messages(of user: UserID, _ filter: MessageFilter, _ page: MessagePage) async throws -> [MessageRow] {
    let end = page.offset + page.size + 1
    func newest(_ status: PostgresQuery) -> PostgresQuery {
      """
      SELECT \(unsafeRaw: MessageRow.columns) FROM projection.messages_read m
      WHERE m.user_id = \(user.uuid) \(status) \(filter.conditions) \(page.condition)
      ORDER BY m.accepted_at DESC, m.message_id DESC LIMIT \(end)
      """
    }
    // Of each status the newest are read by an index, and of these the newest; all of a status never are.
    let found: PostgresQuery =
      filter.jobStatuses.map { statuses in
        """
        SELECT found.* FROM unnest(\(statuses.map(\.rawValue))) AS s(status)
        CROSS JOIN LATERAL (\(newest("AND m.job_status = s.status"))) found
        """
      } ?? newest("")
    return try await pool.query(
      """
      SELECT * FROM (\(found)) found ORDER BY accepted_at DESC, message_id DESC
      LIMIT \(page.size + 1) OFFSET \(page.offset)
      """
    ).map(MessageRow.init)
  }

  /// How many messages the filter lets through. Counted only where more than statuses is asked for.
  func count(of user: UserID, _ filter: MessageFilter) async throws -> Int {
    guard filter.isMoreThanStatus else { return try await total(of: user, filter.jobStatuses) }
    let statuses: PostgresQuery = filter.jobStatuses.map { "AND m.job_status = ANY (\($0.map(\.rawValue)))" } ?? ""
    return try await pool.query(
      """
      SELECT count(*) AS total FROM projection.messages_read m
      WHERE m.user_id = \(user.uuid) \(statuses) \(filter.conditions)
      """
    ).first?.decode("total") ?? 0
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
      SELECT message_id, unit_index, phone, state, attempts_used, provider, error_code, error_message, sent_at,
        may_be_duplicate
      FROM projection.recipients_read
      WHERE message_id = \(id.uuid) AND unit_index > \(index) \(condition)
      ORDER BY unit_index LIMIT \(limit)
      """
    ).map(RecipientRow.init)
  }

  /// The time of the newest fact that the read side has taken in; `nil` before the first.
  func logTime() async throws -> Timestamp? {
    try await pool.query("SELECT log_time FROM projection.progress_read").first?.decodeTime("log_time")
  }
}

extension MessageFilter {
  /// What follows `WHERE …` over `projection.messages_read m`, but for the statuses.
  fileprivate var conditions: PostgresQuery {
    let messageClass: PostgresQuery = self.messageClass.map { "AND m.class = \($0.rawValue)" } ?? ""
    let reference: PostgresQuery = self.reference.map { "AND m.reference = \($0)" } ?? ""
    let from: PostgresQuery = self.from.map { "AND m.accepted_at >= \($0.date)" } ?? ""
    let to: PostgresQuery = self.to.map { "AND m.accepted_at <= \($0.date)" } ?? ""
    let phone: PostgresQuery =
      self.phone.map {
        """
        AND EXISTS (SELECT 1 FROM projection.recipients_read r WHERE r.message_id = m.message_id AND r.phone = \($0))
        """
      } ?? ""
    return "\(messageClass) \(reference) \(from) \(to) \(phone)"
  }
}

extension MessagePage {
  /// What follows `WHERE …` over `projection.messages_read m`.
  fileprivate var condition: PostgresQuery {
    guard case .after(let cursor?, _) = self else { return "" }
    return "AND (m.accepted_at, m.message_id) < (\(cursor.acceptedAt.date), \(cursor.messageID.uuid))"
  }

  fileprivate var offset: Int {
    guard case .number(let number, let size) = self else { return 0 }
    return (number - 1) * size
  }
}
