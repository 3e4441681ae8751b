import Contracts
import Foundation
import Postgres

/// What the dead-letter service publishes, read from PostgreSQL; nothing of it is written here.
struct DeadLetterReads: Sendable {
  let pool: PostgresPool

  /// Up to `limit` letters, newest first, behind the filter's cursor.
  func letters(_ filter: LetterFilter, limit: Int) async throws -> [LetterRow] {
    try await pool.query(
      """
      SELECT \(unsafeRaw: LetterRow.columns)
      FROM dead_letter.find_letters(
        \(filter.status?.rawValue), \(filter.errorType), \(filter.provider), \(filter.userID?.uuid),
        \(filter.messageID?.uuid), \(filter.from?.date), \(filter.to?.date), \(filter.cursor?.acceptedAt.date),
        \(filter.cursor?.messageID.uuid), \(limit)::integer) found
      CROSS JOIN LATERAL (SELECT * FROM dead_letter.letters_read r WHERE r.id = found.id LIMIT 1) l
      \(unsafeRaw: LetterRow.since)
      ORDER BY found.created_at DESC, found.id DESC
      """
    ).map(LetterRow.init)
  }

  func letter(_ id: EnvelopeID) async throws -> LetterRow? {
    try await pool.query(
      """
      SELECT \(unsafeRaw: LetterRow.columns) FROM dead_letter.letters_read l \(unsafeRaw: LetterRow.since)
      WHERE l.id = \(id.uuid)
      """
    ).first.map(LetterRow.init)
  }

  /// The body and the header fields of a poison message.
  func poison(_ id: EnvelopeID) async throws -> PoisonContent? {
    try await pool.query(
      """
      SELECT body, headers::text AS headers FROM dead_letter.letters_read WHERE id = \(id.uuid) AND body IS NOT NULL
      """
    ).first.map(PoisonContent.init)
  }

  /// Those of these ids that are poison messages.
  func poison(among ids: [EnvelopeID]) async throws -> Set<EnvelopeID> {
    let rows = try await pool.query(
      """
      SELECT id FROM dead_letter.letters_read
      WHERE id = ANY (\(ids.map(\.uuid))) AND error_type = \(LetterRow.poison)
      """)
    return Set(try rows.map { EnvelopeID(try $0.decode("id", as: UUID.self)) })
  }

  /// All that was asked to be done with a letter, in order.
  func requests(of id: EnvelopeID) async throws -> [LetterRequestRow] {
    try await pool.query(
      """
      SELECT r.id, r.kind, r.actor_id, r.actor, r.reason, r.provider, r.class, r.verdict, r.expires_at, r.requested_at,
        r.cancelled_at, l.result, l.ended_at
      FROM dead_letter.request_letters_read l JOIN dead_letter.requests_read r ON r.id = l.request_id
      WHERE l.letter_id = \(id.uuid) ORDER BY r.requested_at, r.id
      """
    ).map(LetterRequestRow.init)
  }

  /// The letters that a request would apply to now, counted by what they go as.
  /// - Parameter state: Only those of SMS in this state; `nil` for any.
  func preview(_ selection: LetterSelection, ofUnits state: UnitState?) async throws -> [ReplayForecast.Group] {
    let rows = try await pool.query(
      """
      SELECT user_id, pinned_provider, providers, letters, segments
      FROM dead_letter.preview_letters(
        \(selection.ids?.map(\.uuid)), \(state?.rawValue), \(selection.errorType), \(selection.provider),
        \(selection.userID?.uuid), \(selection.messageID?.uuid), \(selection.from?.date), \(selection.to?.date),
        \(selection.limit ?? LetterSelection.limit)::integer)
      """)
    return try rows.map { row in
      ReplayForecast.Group(
        userID: UserID(try row.decode("user_id", as: UUID.self)),
        pinnedProvider: try row.decode("pinned_provider"), providers: try row.decode("providers"),
        letters: try row.decode("letters"), segments: try row.decode("segments"))
    }
  }
}
