import Contracts
import Foundation
import Postgres

/// The letters that a selection means: those that are pending, the oldest first.
struct LetterChoice: Sendable {
  /// The letters named, each once; `nil` when they are described.
  var ids: [EnvelopeID]?
  private var selection: LetterSelection
  /// Only letters of SMS in this state.
  private var unitState: UnitState?

  init(_ selection: LetterSelection, unitState: UnitState? = nil) {
    ids = selection.ids.map { Array(Set($0)).sorted() }
    self.selection = selection
    self.unitState = unitState
  }

  /// Why the selection cannot be.
  var refusal: String? {
    if let ids, ids.count > LetterSelection.idLimit { return "too_many" }
    if ids?.isEmpty == true { return "empty" }
    if let limit = selection.limit, limit < 1 { return "invalid_limit" }
    return nil
  }

  var limit: Int { min(selection.limit ?? LetterSelection.limit, LetterSelection.limit) }

  /// A letter's place among the others, by age.
  struct Place: Sendable {
    /// As the database writes it, which loses nothing.
    var at: String
    var id: UUID
  }

  /// Table expressions `found`, the next letters behind a place, and `locked`, those of them that still fit, locked in
  /// the order in which all lock them.
  ///
  /// What somebody else takes meanwhile is in `found` alone: it says whether there may be more, and where to go on.
  /// - Parameter bytes: How long a letter `l` is in an order.
  func tables(after place: Place?, limit: Int, bytes: PostgresQuery = "0") -> PostgresQuery {
    """
    found AS MATERIALIZED (
      SELECT letter_id, created_at FROM dead_letter.choose_letters(
        \(arguments), \(place?.at)::timestamptz, \(place?.id), \(limit)::integer)),
    -- One by one by their ids: a join might read all letters to find none.
    locked AS MATERIALIZED (
      SELECT l.* FROM (SELECT letter_id FROM found ORDER BY created_at, letter_id) f CROSS JOIN LATERAL (
        SELECT l.letter_id, l.dispatch, l.segments, l.created_at, (\(bytes))::bigint AS bytes
        FROM dead_letter.letters l WHERE l.letter_id = f.letter_id AND l.state = 'pending' \(conditions) FOR UPDATE) l)
    """
  }

  /// What a letter may have got another of since it was found.
  private var conditions: PostgresQuery {
    func when<Value>(_ value: Value?, _ condition: (Value) -> PostgresQuery) -> PostgresQuery {
      value.map(condition) ?? ""
    }
    let parts: [PostgresQuery] = [
      when(unitState) { "AND l.unit_state = \($0.rawValue)" },
      when(selection.errorType) { "AND l.error_type = \($0.storable)" },
      when(selection.provider) { "AND l.provider = \($0.storable)" },
    ]
    return parts.reduce("") { "\($0) \($1)" }
  }

  /// The selection as the functions of the schema take it.
  private var arguments: PostgresQuery {
    """
    \(ids?.map(\.uuid)), \(unitState?.rawValue), \(selection.errorType?.storable), \(selection.provider?.storable),
    \(selection.userID?.uuid), \(selection.messageID?.uuid), \(selection.from?.date), \(selection.to?.date)
    """
  }

  /// Why none of the letters that were named can be taken.
  func whyNone(_ connection: PostgresConnection) async throws -> String {
    let row = try await connection.query(
      """
      SELECT count(*) AS known, count(*) FILTER (WHERE state = 'pending') AS pending,
        EXISTS (SELECT FROM dead_letter.poison WHERE poison_id = ANY (\((ids ?? []).map(\.uuid)))) AS is_poison
      FROM dead_letter.letters WHERE letter_id = ANY (\((ids ?? []).map(\.uuid)))
      """
    ).first
    if try row?.decode("known", as: Int.self) ?? 0 == 0 {
      return try row?.decode("is_poison", as: Bool.self) ?? false ? "poison" : "not_found"
    }
    return try row?.decode("pending", as: Int.self) ?? 0 == 0 ? "not_pending" : "wrong_state"
  }

  /// Counts what would be chosen, and locks nothing.
  func count(_ pool: PostgresPool) async throws -> (letters: Int, segments: Int) {
    let row = try await pool.query(
      """
      SELECT coalesce(sum(letters), 0)::bigint AS letters, coalesce(sum(segments), 0)::bigint AS segments
      FROM dead_letter.preview_letters(\(arguments), \(limit)::integer)
      """
    ).first
    return (try row?.decode("letters") ?? 0, try row?.decode("segments") ?? 0)
  }
}
