import Contracts
import Foundation
import Postgres

/// Writes letters. What is told may come in any order and more than once: the end is the same.
///
/// Every statement names the states it applies to. News about a death that is not known yet wait for it.
struct LetterStore: Sendable {
  var pool: PostgresPool

  /// The letter that a death is told of in.
  struct Opening: Sendable {
    var letterID: EnvelopeID
    var entry: UnitsDead.Entry
    /// False for a repeat, and for a death that is known to be followed by a later one.
    var isNews: Bool
  }

  // MARK: Deaths

  /// Opens a letter for each dead unit, or lets the one go on that is open, and applies what came first.
  func open(_ deaths: [NewLetter]) async throws -> [Opening] {
    try await pool.withTransaction { connection in
      try await Self.lock(deaths.map(\.entry.unit), connection)
      var news: Set<AttemptID> = []
      for round in deaths.sorted(by: { $0.entry.dispatch < $1.entry.dispatch }).rounds(by: \.entry.unit) {
        news.formUnion(try await open(round, connection))
        try await applyEarly(round.map(\.entry.unit), connection)
      }
      return try await openings(deaths, news: news, connection)
    }
  }

  /// - Returns: Those that were news.
  private func open(_ deaths: [NewLetter], _ connection: PostgresConnection) async throws -> [AttemptID] {
    let entries = deaths.map(\.entry)
    return try await connection.query(
      """
      INSERT INTO dead_letter.letters AS l (
        letter_id, unit_state, error_type, error_message, message_id, unit_index, dispatch, user_id, class, phone,
        content, segments, encoding, pinned_provider, providers, reference, provider, retry_count, max_attempts,
        attempts, accepted_at, died_at, last_attempt_at, created_at)
      SELECT
        letter_id, unit_state, error_type, error_message, message_id, unit_index, dispatch, user_id, class, phone,
        content, segments, encoding, pinned_provider, string_to_array(providers, ','), reference, provider, retry_count,
        max_attempts, attempts::jsonb, accepted_at, died_at, last_attempt_at, sluice.clock()
      FROM unnest(
        \(deaths.map(\.id.uuid)), \(entries.map(\.state.rawValue)), \(entries.map(\.errorType.storable)),
        \(entries.map { $0.errorMessage?.storable }), \(entries.map(\.unit.messageID.uuid)),
        \(entries.map(\.unit.index)), \(entries.map(\.dispatch)), \(entries.map(\.userID.uuid)),
        \(entries.map(\.messageClass.rawValue)), \(entries.map(\.phone.storable)),
        \(entries.map(\.content.storable)), \(entries.map(\.segments)), \(entries.map(\.encoding.storable)),
        \(entries.map { $0.pinnedProvider?.storable }), \(entries.map { $0.providers?.joined(separator: ",").storable }),
        \(entries.map { $0.reference?.storable }), \(deaths.map(\.provider)), \(entries.map(\.attemptsUsed)),
        \(entries.map(\.maxAttempts)), \(deaths.map(\.attempts)), \(entries.map(\.acceptedAt.date)),
        \(entries.map(\.diedAt.date)), \(deaths.map { $0.lastAttemptAt?.date })
      ) AS new (
        letter_id, unit_state, error_type, error_message, message_id, unit_index, dispatch, user_id, class, phone,
        content, segments, encoding, pinned_provider, providers, reference, provider, retry_count, max_attempts,
        attempts, accepted_at, died_at, last_attempt_at)
      WHERE NOT EXISTS (
        SELECT FROM dead_letter.letters known
        WHERE (known.message_id, known.unit_index) = (new.message_id, new.unit_index)
          AND known.dispatch >= new.dispatch)
        AND NOT EXISTS (
          SELECT FROM dead_letter.early_closings gone
          WHERE (gone.message_id, gone.unit_index) = (new.message_id, new.unit_index)
            AND gone.dispatch >= new.dispatch AND gone.is_stub)
      ORDER BY letter_id
      ON CONFLICT (message_id, unit_index) WHERE closed_at IS NULL DO UPDATE
      SET state = 'pending', unit_state = excluded.unit_state, error_type = excluded.error_type,
          error_message = excluded.error_message, dispatch = excluded.dispatch, provider = excluded.provider,
          retry_count = excluded.retry_count, max_attempts = excluded.max_attempts,
          -- What the scheduler was told of in a replay's order is shortened: the letter has more attempts, and whole answers.
          attempts = coalesce((
            SELECT jsonb_agg(a.value ORDER BY (a.value -> 'dispatch')::integer) FROM (
              SELECT old.value FROM jsonb_array_elements(l.attempts) AS old
              WHERE NOT EXISTS (
                SELECT FROM jsonb_array_elements(excluded.attempts) AS new
                WHERE new.value -> 'dispatch' = old.value -> 'dispatch'
                  AND new.value -> 'outcome' <> old.value -> 'outcome')
              UNION ALL
              SELECT new.value FROM jsonb_array_elements(excluded.attempts) AS new
              WHERE NOT EXISTS (
                SELECT FROM jsonb_array_elements(l.attempts) AS old
                WHERE new.value -> 'dispatch' = old.value -> 'dispatch'
                  AND new.value -> 'outcome' = old.value -> 'outcome')) a), '[]'),
          died_at = excluded.died_at, last_attempt_at = excluded.last_attempt_at,
          replayed_from = l.replayed_from || CASE
            WHEN l.state = 'replaying' AND NOT l.dispatch = ANY (l.replayed_from || l.taken_back_from) THEN ARRAY[l.dispatch] ELSE '{}' END
      WHERE l.dispatch < excluded.dispatch
      RETURNING l.message_id, l.unit_index, l.dispatch
      """
    ).map(AttemptID.init)
  }

  private func applyEarly(_ units: [UnitID], _ connection: PostgresConnection) async throws {
    try await connection.query(
      """
      WITH early AS (
        DELETE FROM dead_letter.early_closings e
        USING dead_letter.letters l, unnest(\(units.map(\.messageID.uuid)), \(units.map(\.index))) AS u (id, place)
        WHERE (l.message_id, l.unit_index) = (u.id, u.place) AND l.closed_at IS NULL
          AND (e.message_id, e.unit_index) = (u.id, u.place) AND e.dispatch <= l.dispatch
        RETURNING l.letter_id, l.dispatch AS died, e.dispatch, e.state, e.unit_state, e.reason, e.closed_at),
      news AS (
        SELECT letter_id, max(state) FILTER (WHERE dispatch = died) AS state,
          max(unit_state) FILTER (WHERE dispatch = died) AS unit_state,
          max(reason) FILTER (WHERE dispatch = died) AS reason,
          max(closed_at) FILTER (WHERE dispatch = died) AS closed_at,
          array_agg(dispatch) FILTER (
            WHERE state = 'pending' AND reason IS DISTINCT FROM \(LetterNews.takenBack)) AS replayed_from,
          array_agg(dispatch) FILTER (
            WHERE state = 'pending' AND reason = \(LetterNews.takenBack)) AS taken_back_from
        FROM early GROUP BY letter_id)
      UPDATE dead_letter.letters l
      SET state = coalesce(n.state, l.state), unit_state = coalesce(n.unit_state, l.unit_state),
          close_reason = CASE WHEN n.state IN ('retried', 'abandoned', 'settled') THEN n.reason END,
          closed_at = CASE WHEN n.state IN ('retried', 'abandoned', 'settled') THEN n.closed_at END,
          replayed_from = l.replayed_from || ARRAY(
            SELECT unnest(n.replayed_from) EXCEPT SELECT unnest(l.replayed_from) ORDER BY 1),
          taken_back_from = l.taken_back_from || ARRAY(
            SELECT unnest(n.taken_back_from) EXCEPT SELECT unnest(l.taken_back_from) ORDER BY 1)
      FROM news n WHERE l.letter_id = n.letter_id AND l.closed_at IS NULL
      """)
  }

  private func openings(
    _ deaths: [NewLetter], news: Set<AttemptID>, _ connection: PostgresConnection
  ) async throws -> [Opening] {
    let units = deaths.map(\.entry.unit)
    let rows = try await connection.query(
      """
      SELECT (
        SELECT l.letter_id FROM dead_letter.letters l
        WHERE (l.message_id, l.unit_index) = (d.message_id, d.unit_index) AND l.dispatch >= d.dispatch
        ORDER BY l.dispatch LIMIT 1) AS letter_id
      FROM unnest(\(units.map(\.messageID.uuid)), \(units.map(\.index)), \(deaths.map(\.entry.dispatch)))
        WITH ORDINALITY AS d (message_id, unit_index, dispatch, place) ORDER BY d.place
      """)
    return try zip(deaths, rows).map { death, row in
      Opening(
        // None where the letter is forgotten already.
        letterID: try row.decode("letter_id", as: UUID?.self).map(EnvelopeID.init) ?? death.id, entry: death.entry,
        isNews: news.contains(AttemptID(unit: death.entry.unit, dispatch: death.entry.dispatch)))
    }
  }

  // MARK: Closings

  /// Closes letters, or lets them be `replaying` that go again.
  /// - Returns: The states of the letters that were closed.
  func close(_ closings: [Incoming.Closing], at time: Timestamp) async throws -> [LetterState] {
    let news = closings.map {
      LetterNews(
        death: AttemptID(unit: $0.entry.unit, dispatch: $0.entry.dispatch), state: $0.state, unitState: $0.entry.state,
        reason: $0.entry.reason)
    }
    return try await pool.withTransaction { connection in
      try await Self.lock(news.map(\.death.unit), connection)
      var closed: [LetterState] = []
      for round in news.rounds(by: \.death.unit) {
        closed += try await connection.query(
          """
          WITH \(LetterNews.given(round))
          UPDATE dead_letter.letters l
          SET state = g.state, unit_state = g.unit_state,
              close_reason = CASE WHEN g.state <> 'replaying' THEN g.reason END,
              closed_at = CASE WHEN g.state <> 'replaying' THEN \(time.date) END
          FROM given g
          WHERE (l.message_id, l.unit_index, l.dispatch) = (g.message_id, g.unit_index, g.dispatch)
            AND l.closed_at IS NULL AND NOT (g.state = 'replaying' AND l.dispatch = ANY (l.replayed_from || l.taken_back_from))
          RETURNING l.state
          """
        ).compactMap { LetterState(rawValue: try $0.decode("state")) }
        try await keepEarly(round, at: time, connection)
      }
      return closed.filter { $0 != .replaying }
    }
  }

  // MARK: Ends of replays

  /// Notes how replayed units ended: of the letters, and of what asked for it.
  /// - Returns: The states of the letters that were closed.
  func finish(_ entries: [LettersFinished.Entry], at time: Timestamp) async throws -> [LetterState] {
    let news = entries.compactMap { entry in
      LetterEnd(entry.state).map {
        LetterNews(
          death: AttemptID(unit: entry.unit, dispatch: entry.dispatch), state: $0.state, unitState: entry.state,
          reason: entry.takenBack == true && $0.state == .pending ? LetterNews.takenBack : $0.reason)
      }
    }
    guard !news.isEmpty else { return [] }
    return try await pool.withTransaction { connection in
      try await Self.lock(news.map(\.death.unit), connection)
      var closed: [LetterState] = []
      for round in news.rounds(by: \.death.unit) {
        closed += try await finish(round, at: time, connection)
        try await RequestResults(connection: connection).note(round)
      }
      return closed
    }
  }

  private func finish(
    _ news: [LetterNews], at time: Timestamp, _ connection: PostgresConnection
  ) async throws -> [LetterState] {
    let states = try await connection.query(
      """
      WITH \(LetterNews.given(news))
      UPDATE dead_letter.letters l
      SET state = g.state, unit_state = g.unit_state,
          close_reason = CASE WHEN g.state <> 'pending' THEN g.reason END,
          closed_at = CASE WHEN g.state <> 'pending' THEN \(time.date) END,
          replayed_from = l.replayed_from || CASE
            WHEN g.state = 'pending' AND g.reason IS DISTINCT FROM \(LetterNews.takenBack) THEN ARRAY[g.dispatch]
            ELSE '{}' END,
          taken_back_from = l.taken_back_from || CASE
            WHEN g.state = 'pending' AND g.reason = \(LetterNews.takenBack) THEN ARRAY[g.dispatch] ELSE '{}' END
      FROM given g
      WHERE (l.message_id, l.unit_index, l.dispatch) = (g.message_id, g.unit_index, g.dispatch)
        AND l.closed_at IS NULL AND NOT l.dispatch = ANY (l.replayed_from || l.taken_back_from)
      RETURNING l.state
      """
    ).compactMap { LetterState(rawValue: try $0.decode("state")) }
    // The new death came first: what is left to know is that it followed a replay, or one that never went.
    try await connection.query(
      """
      WITH \(LetterNews.given(news))
      UPDATE dead_letter.letters l
      SET replayed_from = CASE WHEN g.reason = \(LetterNews.takenBack) THEN array_remove(l.replayed_from, g.dispatch)
            ELSE l.replayed_from || g.dispatch END,
          taken_back_from = l.taken_back_from || CASE
            WHEN g.reason = \(LetterNews.takenBack) THEN ARRAY[g.dispatch] ELSE '{}' END
      -- By its id alone: else every letter is compared with every piece of news.
      FROM given g CROSS JOIN LATERAL (
        SELECT later.letter_id FROM dead_letter.letters later
        WHERE (later.message_id, later.unit_index) = (g.message_id, g.unit_index) AND later.dispatch >= g.dispatch
        ORDER BY later.dispatch LIMIT 1) next
      WHERE l.letter_id = next.letter_id AND g.state = 'pending' AND g.dispatch < l.dispatch
        AND NOT g.dispatch = ANY (l.taken_back_from)
        AND (g.reason = \(LetterNews.takenBack) OR NOT g.dispatch = ANY (l.replayed_from))
      """)
    try await keepEarly(news, at: time, connection)
    return states.filter { $0 != .pending }
  }

  // MARK: In common

  /// Keeps what is about deaths that nobody has told of yet. A replay's end says more than its beginning.
  private func keepEarly(
    _ news: [LetterNews], at time: Timestamp, _ connection: PostgresConnection
  ) async throws {
    try await connection.query(
      """
      WITH \(LetterNews.given(news))
      INSERT INTO dead_letter.early_closings AS e (
        message_id, unit_index, dispatch, state, unit_state, reason, closed_at, received_at)
      SELECT message_id, unit_index, dispatch, state, unit_state, reason, \(time.date), sluice.clock() FROM given g
      WHERE NOT EXISTS (
        SELECT FROM dead_letter.letters l
        WHERE (l.message_id, l.unit_index) = (g.message_id, g.unit_index) AND l.dispatch >= g.dispatch)
      ON CONFLICT (message_id, unit_index, dispatch) DO UPDATE
      SET state = excluded.state, unit_state = excluded.unit_state, reason = excluded.reason,
          closed_at = excluded.closed_at
      WHERE e.state = 'replaying'
      """)
  }

  /// Lets no other replica write about these messages until the end of the transaction.
  ///
  /// Rows cannot be locked that are not there yet, and what is told early must not pass the death that it is about.
  private static func lock(_ units: [UnitID], _ connection: PostgresConnection) async throws {
    try await connection.query(
      """
      SELECT pg_advisory_xact_lock(key) FROM (
        SELECT DISTINCT hashtextextended('dead_letter ' || id::text, 0) AS key
        FROM unnest(\(units.map(\.messageID.uuid))) AS id ORDER BY key) AS keys
      """)
  }
}
