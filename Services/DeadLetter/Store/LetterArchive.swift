import Contracts
import Foundation
import Postgres

/// Reads letters and poison, newest first.
struct LetterArchive: Sendable {
  /// Which letters; what is `nil` is not asked for.
  struct Filter: Sendable {
    var state: LetterState?
    var errorType: String?
    var provider: String?
    var userID: UserID?
    var messageID: MessageID?
    var from: Timestamp?
    var to: Timestamp?
    var limit = 50
  }

  var pool: PostgresPool

  func letters(_ filter: Filter) async throws -> [Letter] {
    try await pool.query(
      """
      \(Self.columns) FROM dead_letter.letters
      WHERE letter_id IN (
        SELECT id FROM dead_letter.find_kept(
          \(filter.state?.rawValue), \(filter.errorType), \(filter.provider), \(filter.userID?.uuid),
          \(filter.messageID?.uuid), \(filter.from?.date), \(filter.to?.date), NULL, NULL, \(filter.limit)::integer))
      ORDER BY created_at DESC, letter_id DESC
      """
    ).map(Letter.init)
  }

  func letter(_ id: EnvelopeID) async throws -> Letter? {
    try await pool.query("\(Self.columns) FROM dead_letter.letters WHERE letter_id = \(id.uuid)").first
      .map(Letter.init)
  }

  func poison(limit: Int) async throws -> [KeptPoison] {
    try await pool.query("SELECT * FROM dead_letter.poison ORDER BY received_at DESC, poison_id DESC LIMIT \(limit)")
      .map(KeptPoison.init)
  }

  func poison(_ id: EnvelopeID) async throws -> KeptPoison? {
    try await pool.query("SELECT * FROM dead_letter.poison WHERE poison_id = \(id.uuid)").first.map(KeptPoison.init)
  }

  /// How many letters of a request have each result so far; those without one are left out.
  func results(of request: EnvelopeID) async throws -> [String: Int] {
    try await pool.query(
      """
      SELECT result, count(*) AS letters FROM dead_letter.request_letters
      WHERE request_id = \(request.uuid) AND result IS NOT NULL GROUP BY result
      """
    ).reduce(into: [:]) { $0[try $1.decode("result")] = try $1.decode("letters") }
  }

  /// The replay that a cancellation is about.
  func replay(of request: StoredRequest) async throws -> CancelledReplay? {
    guard request.kind == .cancel, let id = request.replayID else { return nil }
    let row = try await pool.query(
      "SELECT cancelled_by, cancelled_at FROM dead_letter.requests_read WHERE id = \(id.uuid)"
    ).first
    guard let row else { return nil }
    return CancelledReplay(
      actor: try row.decode("cancelled_by"), at: try row.decode("cancelled_at", as: Date?.self).map { Timestamp($0) },
      results: try await results(of: EnvelopeID(id.uuid)))
  }

  private static let columns: PostgresQuery = """
    SELECT letter_id, state, unit_state, error_type, error_message, message_id, unit_index, dispatch, user_id, class,
           phone, content, provider, providers, replay_count, replay_id, retry_count, max_attempts, attempts::text AS attempts, created_at, last_attempt_at,
           close_reason, closed_at
    """
}
