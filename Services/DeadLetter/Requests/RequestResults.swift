import Contracts
import Foundation
import Postgres

/// Notes what became of the letters of requests. Works within a transaction of its caller.
struct RequestResults: Sendable {
  var connection: PostgresConnection

  /// What a result begins with that says why the scheduler would not have a letter's SMS.
  static let refusal = "refused:"
  /// The result of a letter whose SMS a cancellation kept from going.
  static let takenBack = LetterNews.takenBack

  /// Notes how replayed units ended. At most one end for each unit.
  func note(_ ends: [LetterNews]) async throws {
    // What was given back because nobody answered for it may have gone all the same. Each by its index, one after the
    // other: without statistics a join reads all letters for each piece of news.
    let hits: PostgresQuery = """
      \(LetterNews.given(ends)),
      hits AS MATERIALIZED (
        SELECT rl.request_id, rl.chunk, rl.letter_id, g.unit_state, g.reason
        FROM given g CROSS JOIN LATERAL (
          SELECT letter_id, replay_id FROM dead_letter.letters
          WHERE message_id = g.message_id AND unit_index = g.unit_index OFFSET 0) l
        CROSS JOIN LATERAL (
          SELECT request_id, chunk, letter_id FROM dead_letter.request_letters
          WHERE letter_id = l.letter_id AND dispatch = g.dispatch
            AND (ended_at IS NULL OR result = \(Self.takenBack) AND request_id = l.replay_id) OFFSET 0) rl)
      """
    // Locked, so that of two transactions with the last letters of a request the later one sees that nothing is left.
    let requests: [UUID] = try await connection.query(
      """
      WITH \(hits)
      SELECT request_id FROM dead_letter.requests
      WHERE kind = 'replay' AND request_id IN (SELECT request_id FROM hits) ORDER BY request_id FOR UPDATE
      """
    ).map { try $0.decode("request_id") }
    guard !requests.isEmpty else { return }
    try await connection.query(
      """
      WITH \(hits)
      UPDATE dead_letter.request_letters rl
      SET result = CASE WHEN h.reason = \(LetterNews.takenBack) THEN \(Self.takenBack) ELSE h.unit_state END,
          ended_at = sluice.clock()
      FROM hits h
      WHERE h.request_id = ANY (\(requests))
        AND (rl.request_id, rl.chunk, rl.letter_id) = (h.request_id, h.chunk, h.letter_id)
      """)
    try await end(requests)
  }

  /// Applies the scheduler's answer to an order; one that is not ours, or that came before, changes nothing.
  /// - Returns: The request that the order is of.
  func take(_ answer: CommandAnswered) async throws -> EnvelopeID? {
    let order = try await connection.query(
      """
      SELECT o.request_id, o.chunk, o.answered_at IS NOT NULL AS is_answered, r.kind, r.verdict, r.replay_id
      FROM dead_letter.orders o JOIN dead_letter.requests r USING (request_id)
      WHERE o.command_id = \(answer.commandID.uuid)
      """
    ).first
    guard let order, let kind = RequestKind(rawValue: try order.decode("kind")) else { return nil }
    let id: UUID = try order.decode("request_id")
    if try order.decode("is_answered") { return EnvelopeID(id) }
    let chunk: Int = try order.decode("chunk")
    if kind == .replay { try await lockLetters(id, chunk) }
    try await connection.query("SELECT FROM dead_letter.requests WHERE request_id = \(id) FOR UPDATE")
    let isFirst = try await connection.query(
      """
      UPDATE dead_letter.orders
      SET answered_at = sluice.clock(), published_at = coalesce(published_at, sluice.clock())
      WHERE command_id = \(answer.commandID.uuid) AND answered_at IS NULL
      """
    ).affected
    guard isFirst == 1 else { return EnvelopeID(id) }
    switch kind {
    case .replay:
      try await refuse(answer, id, chunk)
      try await connection.query(
        """
        UPDATE dead_letter.letters l SET state = 'pending'
        FROM dead_letter.request_letters rl
        WHERE rl.request_id = \(id) AND rl.chunk = \(chunk) AND (starts_with(rl.result, \(Self.refusal)) OR rl.result = \(Self.takenBack))
          AND l.letter_id = rl.letter_id AND l.dispatch = rl.dispatch AND l.state = 'replaying' AND l.replay_id = \(id)
        """)
    case .abandon, .settle:
      try await refuse(answer, id, chunk)
      let verdict: String? = try order.decode("verdict")
      try await connection.query(
        """
        UPDATE dead_letter.request_letters SET result = \(verdict ?? UnitState.failed.rawValue), ended_at = sluice.clock()
        WHERE request_id = \(id) AND chunk = \(chunk) AND ended_at IS NULL
        """)
    case .cancel:
      // What it has not answered by now it never took, or its answer is lost. Later facts correct that.
      let replay: UUID = try order.decode("replay_id")
      let hasNothing = answer.result == .refused && answer.reason == Self.nothingToCancel
      let left = try await takeBack(replay, hasNothing ? .open : .unanswered)
      try await noteCancellation(answer, id, left: answer.result == .refused ? left : 0)
    case .return, .drop: break
    }
    try await connection.query(
      """
      UPDATE dead_letter.requests r SET answered_at = sluice.clock()
      WHERE request_id = \(id) AND answered_at IS NULL AND NOT EXISTS (
        SELECT FROM dead_letter.orders o WHERE o.request_id = r.request_id AND o.answered_at IS NULL)
      """)
    try await end([id])
    return EnvelopeID(id)
  }

  /// In the order in which all lock them.
  private func lockLetters(_ request: UUID, _ chunk: Int) async throws {
    try await connection.query(
      """
      SELECT FROM dead_letter.letters l JOIN dead_letter.request_letters rl USING (letter_id)
      WHERE rl.request_id = \(request) AND rl.chunk = \(chunk) ORDER BY l.created_at, l.letter_id FOR UPDATE OF l
      """)
  }

  /// Notes the refusals: of single units, or of all when the order was refused as a whole.
  private func refuse(_ answer: CommandAnswered, _ request: UUID, _ chunk: Int) async throws {
    if let refusals = answer.refusals {
      try await connection.query(
        """
        UPDATE dead_letter.request_letters rl SET result = \(Self.refusal) || u.reason, ended_at = sluice.clock()
        FROM unnest(
            \(refusals.map(\.unit.messageID.uuid)), \(refusals.map(\.unit.index)), \(refusals.map(\.reason.storable))
          ) AS u (message_id, unit_index, reason)
          JOIN dead_letter.letters l USING (message_id, unit_index)
        WHERE rl.request_id = \(request) AND rl.chunk = \(chunk) AND rl.letter_id = l.letter_id AND rl.ended_at IS NULL
        """)
    } else if answer.result == .refused {
      let reason = answer.reason ?? "unknown"
      // The order came after the cancellation of its replay.
      let result = reason == "cancelled" ? Self.takenBack : Self.refusal + reason.storable
      try await connection.query(
        """
        UPDATE dead_letter.request_letters SET result = \(result), ended_at = sluice.clock()
        WHERE request_id = \(request) AND chunk = \(chunk) AND ended_at IS NULL
        """)
    }
  }

  /// What went back to its letter, and what goes nevertheless. A replay of which nothing did either is not cancelled.
  ///
  /// An order that was published while its mark was lost is taken back here and by the scheduler: it counts once, since no
  /// more went back than the replay has letters that did not end otherwise.
  private func noteCancellation(_ answer: CommandAnswered, _ request: UUID, left: Int) async throws {
    let counts = answer.counts ?? UnitCounts()
    try await connection.query(
      """
      UPDATE dead_letter.requests c
      SET letters = least(letters + \(counts.dead + counts.unconfirmed + left), greatest(0, (
            SELECT count(*) FROM dead_letter.request_letters rl
            WHERE rl.request_id = c.replay_id AND (rl.ended_at IS NULL OR rl.result IN (\(Self.takenBack), 'dead', 'unconfirmed'))
          ) - \(counts.sending))),
          refused = \(counts.sending), refusal = \(answer.result == .refused ? (answer.reason ?? "unknown").storable : nil)
      WHERE request_id = \(request)
      """)
    guard answer.result == .refused else { return }
    try await connection.query(
      """
      UPDATE dead_letter.requests r SET cancelled_at = NULL, cancel_id = NULL
      FROM dead_letter.requests c
      WHERE c.request_id = \(request) AND c.letters = 0 AND r.request_id = c.replay_id AND r.cancel_id = c.request_id
      """)
  }

  /// Ends the requests of whose letters none is open any more.
  func end(_ requests: [UUID]) async throws {
    try await connection.query(
      """
      UPDATE dead_letter.requests r SET ended_at = sluice.clock()
      WHERE request_id = ANY (\(requests)) AND ended_at IS NULL AND (kind = 'replay' OR answered_at IS NOT NULL)
        AND NOT EXISTS (
          SELECT FROM dead_letter.request_letters rl WHERE rl.request_id = r.request_id AND rl.ended_at IS NULL)
      """)
  }
}
