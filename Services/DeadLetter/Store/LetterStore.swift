import Contracts
import Foundation
import Postgres

/// Writes letters. Every statement applies only from the states it names, so a repeat changes nothing.
struct LetterStore: Sendable {
  var pool: PostgresPool

  /// Stores letters that are not there yet, and closes those whose closing came first.
  /// - Returns: The ids of the new ones.
  func open(_ new: [NewLetter]) async throws -> Set<EnvelopeID> {
    let letters = new.sorted { $0.id < $1.id }
    let entries = letters.map(\.entry)
    return try await pool.withTransaction { connection in
      let added = try await connection.query(
        """
        INSERT INTO dead_letter.letters (
          letter_id, unit_state, error_type, error_message, message_id, unit_index, dispatch, user_id, class, phone,
          content, segments, encoding, pinned_provider, reference, provider, retry_count, max_attempts, attempts,
          accepted_at, died_at, last_attempt_at, created_at)
        SELECT DISTINCT ON (letter_id)
          letter_id, unit_state, error_type, error_message, message_id, unit_index, dispatch, user_id, class, phone,
          content, segments, encoding, pinned_provider, reference, provider, retry_count, max_attempts, attempts::jsonb,
          accepted_at, died_at, last_attempt_at, sluice.clock()
        FROM unnest(
          \(letters.map(\.id.uuid)), \(entries.map(\.state.rawValue)), \(entries.map(\.errorType.storable)),
          \(entries.map { $0.errorMessage?.storable }), \(entries.map(\.unit.messageID.uuid)),
          \(entries.map(\.unit.index)), \(entries.map(\.dispatch)), \(entries.map(\.userID.uuid)),
          \(entries.map(\.messageClass.rawValue)), \(entries.map(\.phone.storable)),
          \(entries.map(\.content.storable)), \(entries.map(\.segments)), \(entries.map(\.encoding.storable)),
          \(entries.map { $0.pinnedProvider?.storable }), \(entries.map { $0.reference?.storable }),
          \(letters.map(\.provider)), \(entries.map(\.attemptsUsed)), \(entries.map(\.maxAttempts)),
          \(letters.map(\.attempts)), \(entries.map(\.acceptedAt.date)), \(entries.map(\.diedAt.date)),
          \(letters.map { $0.lastAttemptAt?.date })
        ) AS new (
          letter_id, unit_state, error_type, error_message, message_id, unit_index, dispatch, user_id, class, phone,
          content, segments, encoding, pinned_provider, reference, provider, retry_count, max_attempts, attempts,
          accepted_at, died_at, last_attempt_at)
        ORDER BY letter_id
        ON CONFLICT DO NOTHING
        RETURNING letter_id
        """)
      try await connection.query(
        """
        WITH early AS (
          DELETE FROM dead_letter.early_closings e USING dead_letter.letters l
          WHERE l.letter_id = ANY (\(letters.map(\.id.uuid)))
            AND (e.message_id, e.unit_index, e.dispatch) = (l.message_id, l.unit_index, l.dispatch)
          RETURNING l.letter_id, e.state, e.unit_state, e.reason, e.closed_at)
        UPDATE dead_letter.letters l
        SET state = early.state, unit_state = early.unit_state, close_reason = early.reason, closed_at = early.closed_at
        FROM early WHERE l.letter_id = early.letter_id AND l.state IN ('pending', 'replaying')
        """)
      return Set(try added.map { EnvelopeID(try $0.decode("letter_id", as: UUID.self)) })
    }
  }

  /// Closes letters, and remembers for a day those that are not there yet.
  /// - Returns: The new states of the letters that were open.
  func close(_ closings: [Incoming.Closing], at time: Timestamp) async throws -> [LetterState] {
    let rows = closings.map { (id: LetterIDs.letter($0.entry.unit, dispatch: $0.entry.dispatch), closing: $0) }
      .sorted { $0.id < $1.id }
    let entries = rows.map(\.closing.entry)
    let given: PostgresQuery = """
      given (letter_id, message_id, unit_index, dispatch, state, unit_state, reason) AS (
        SELECT DISTINCT ON (letter_id) * FROM unnest(
          \(rows.map(\.id.uuid)), \(entries.map(\.unit.messageID.uuid)), \(entries.map(\.unit.index)),
          \(entries.map(\.dispatch)), \(rows.map(\.closing.state.rawValue)), \(entries.map(\.state.rawValue)),
          \(entries.map(\.reason))
        ) AS row (letter_id, message_id, unit_index, dispatch, state, unit_state, reason) ORDER BY letter_id)
      """
    return try await pool.withTransaction { connection in
      let closed = try await connection.query(
        """
        WITH \(given)
        UPDATE dead_letter.letters l
        SET state = given.state, unit_state = given.unit_state, close_reason = given.reason, closed_at = \(time.date)
        FROM given WHERE l.letter_id = given.letter_id AND l.state IN ('pending', 'replaying')
        RETURNING l.state
        """)
      try await connection.query(
        """
        WITH \(given)
        INSERT INTO dead_letter.early_closings (
          message_id, unit_index, dispatch, state, unit_state, reason, closed_at, received_at)
        SELECT message_id, unit_index, dispatch, state, unit_state, reason, \(time.date), sluice.clock() FROM given
        WHERE NOT EXISTS (SELECT FROM dead_letter.letters l WHERE l.letter_id = given.letter_id)
        ON CONFLICT DO NOTHING
        """)
      return try closed.compactMap { LetterState(rawValue: try $0.decode("state")) }
    }
  }

  /// Notes how replayed units ended. The letters stay closed as they are.
  func finish(_ entries: [LettersFinished.Entry]) async throws {
    guard !entries.isEmpty else { return }
    let rows = entries.map { (id: LetterIDs.letter($0.unit, dispatch: $0.dispatch), state: $0.state) }
    try await pool.query(
      """
      UPDATE dead_letter.letters l SET unit_state = given.unit_state
      FROM unnest(\(rows.map(\.id.uuid)), \(rows.map(\.state.rawValue))) AS given (letter_id, unit_state)
      WHERE l.letter_id = given.letter_id AND l.state = 'retried'
      """)
  }
}
