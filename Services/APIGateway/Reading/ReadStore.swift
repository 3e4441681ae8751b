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
    var after: PageCursor?
    var offset = 0
    switch page {
    case .number(let number, let size): offset = (number - 1) * size
    case .after(let cursor, _): after = cursor
    }
    let statuses = filter.jobStatuses?.map(\.rawValue)
    return try await pool.query(
      """
      SELECT \(unsafeRaw: MessageRow.columns) FROM projection.messages_read m
      WHERE m.user_id = \(user.uuid)
        AND (\(after == nil)
          OR (m.accepted_at, m.message_id) < (\(after?.acceptedAt.date)::timestamptz, \(after?.messageID.uuid)::uuid))
        AND (\(statuses)::text[] IS NULL OR m.job_status = ANY (\(statuses)::text[]))
        AND (\(filter.messageClass?.rawValue)::text IS NULL OR m.class = \(filter.messageClass?.rawValue)::text)
        AND (\(filter.reference)::text IS NULL OR m.reference = \(filter.reference)::text)
        AND (\(filter.from?.date)::timestamptz IS NULL OR m.accepted_at >= \(filter.from?.date)::timestamptz)
        AND (\(filter.to?.date)::timestamptz IS NULL OR m.accepted_at <= \(filter.to?.date)::timestamptz)
        AND (\(filter.phone)::text IS NULL OR EXISTS (
          SELECT 1 FROM projection.recipients_read r
          WHERE r.message_id = m.message_id AND r.phone = \(filter.phone)::text))
      ORDER BY m.accepted_at DESC, m.message_id DESC LIMIT \(page.size + 1) OFFSET \(offset)
      """
    ).map(MessageRow.init)
  }

  /// How many messages the filter lets through.
  func count(of user: UserID, _ filter: MessageFilter) async throws -> Int {
    let statuses = filter.jobStatuses?.map(\.rawValue)
    return try await pool.query(
      """
      SELECT count(*) AS total FROM projection.messages_read m
      WHERE m.user_id = \(user.uuid)
        AND (\(statuses)::text[] IS NULL OR m.job_status = ANY (\(statuses)::text[]))
        AND (\(filter.messageClass?.rawValue)::text IS NULL OR m.class = \(filter.messageClass?.rawValue)::text)
        AND (\(filter.reference)::text IS NULL OR m.reference = \(filter.reference)::text)
        AND (\(filter.from?.date)::timestamptz IS NULL OR m.accepted_at >= \(filter.from?.date)::timestamptz)
        AND (\(filter.to?.date)::timestamptz IS NULL OR m.accepted_at <= \(filter.to?.date)::timestamptz)
        AND (\(filter.phone)::text IS NULL OR EXISTS (
          SELECT 1 FROM projection.recipients_read r
          WHERE r.message_id = m.message_id AND r.phone = \(filter.phone)::text))
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
    try await pool.query(
      """
      SELECT message_id, unit_index, phone, state, attempts_used, provider, error_code, error_message, sent_at
      FROM projection.recipients_read
      WHERE message_id = \(id.uuid) AND unit_index > \(index)
        AND (\(state?.rawValue)::text IS NULL OR state = \(state?.rawValue)::text)
      ORDER BY unit_index LIMIT \(limit)
      """
    ).map(RecipientRow.init)
  }

  /// The time of the newest fact that the read side has taken in; `nil` before the first.
  func logTime() async throws -> Timestamp? {
    try await pool.query("SELECT log_time FROM projection.progress_read").first?.decodeTime("log_time")
  }
}
