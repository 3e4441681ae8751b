import Contracts
import Postgres

/// Forgets what nobody needs any more, and counts what is left.
struct Retention: Sendable {
  var pool: PostgresPool
  /// Letters and poison go this long after they were closed, requests this long after they were made, when they have ended
  /// and no letter of theirs is open; orders a week after they were answered.
  var keeps: Duration
  /// Letters that are closed, and poison, lose number, text and answers this long after their message was accepted, or the
  /// poison came: as messages do in the read tables.
  var redactsAfter = Duration.seconds(90 * 86_400)
  var metrics: DeadLetterMetrics

  /// What is known of deaths that may yet be told of is kept at least so long, and for as long as there is poison among
  /// which they may be: else an SMS that went out gets a letter that nothing closes.
  private static let memory = Duration.seconds(90 * 86_400)

  /// Deletes in pieces, so that no lock is held for long.
  func prune() async throws {
    let before = PostgresQuery.time(ago: keeps)
    let forgets = try await forgets()
    var deleted: Int
    repeat {
      let row = try await pool.query(
        """
        WITH old AS (
          DELETE FROM dead_letter.letters WHERE letter_id IN (
            SELECT letter_id FROM dead_letter.letters
            WHERE closed_at < \(before) LIMIT 1000)
          RETURNING message_id, unit_index, dispatch, state, unit_state, close_reason, closed_at),
        stubs AS (
          INSERT INTO dead_letter.early_closings (
            message_id, unit_index, dispatch, state, unit_state, reason, closed_at, received_at, is_stub)
          SELECT message_id, unit_index, dispatch, state, unit_state, close_reason, closed_at, closed_at, true
          FROM old WHERE closed_at >= \(forgets)::timestamptz
          ON CONFLICT (message_id, unit_index, dispatch) DO UPDATE SET is_stub = true)
        SELECT count(*) AS letters FROM old
        """
      ).first
      deleted = try row?.decode("letters") ?? 0
    } while deleted == 1000
    repeat {
      // With up to a hundred thousand letters each.
      deleted = try await pool.query(
        """
        DELETE FROM dead_letter.requests WHERE request_id IN (
          SELECT r.request_id FROM dead_letter.requests r
          WHERE r.requested_at < \(before) AND r.ended_at IS NOT NULL
            -- An open letter tells its whole story. One by one: joins would read all letters of all requests.
            AND (
              SELECT true FROM dead_letter.request_letters rl CROSS JOIN LATERAL (
                SELECT closed_at FROM dead_letter.letters WHERE letter_id = rl.letter_id OFFSET 0) l
              WHERE rl.request_id = r.request_id AND l.closed_at IS NULL LIMIT 1) IS NULL
            AND (
              SELECT true FROM dead_letter.request_letters rl JOIN dead_letter.poison p ON p.poison_id = rl.letter_id
              WHERE rl.request_id = r.request_id AND p.state = 'pending' LIMIT 1) IS NULL
            AND (
              SELECT true FROM dead_letter.requests replay
              WHERE r.kind = 'cancel' AND replay.request_id = r.replay_id LIMIT 1) IS NULL
          LIMIT 5)
        """
      ).affected
    } while deleted == 5
    try await pool.query(
      "DELETE FROM dead_letter.orders WHERE answered_at < \(PostgresQuery.time(ago: .seconds(7 * 86_400)))")
    try await pool.query(
      """
      DELETE FROM dead_letter.poison
      WHERE state <> 'pending' AND (state <> 'retried' OR published_at IS NOT NULL)
        AND closed_at < \(before)
      """)
    try await pool.query("DELETE FROM dead_letter.early_closings WHERE received_at < \(forgets)::timestamptz")
  }

  /// Takes out what nobody may read any more. What is open keeps it: it may go again.
  func redact() async throws {
    let before = PostgresQuery.time(ago: redactsAfter)
    var redacted: Int
    repeat {
      redacted = try await pool.query(
        """
        UPDATE dead_letter.letters l
        SET phone = '', content = '', error_message = NULL, redacted_at = sluice.clock(), attempts = coalesce((
          SELECT jsonb_agg(
            CASE WHEN jsonb_typeof(a.value -> 'reply') = 'object'
              THEN jsonb_set(a.value, '{reply,body}', '""', false) ELSE a.value END ORDER BY a.place)
          FROM jsonb_array_elements(l.attempts) WITH ORDINALITY AS a (value, place)), '[]')
        WHERE letter_id IN (
          SELECT letter_id FROM dead_letter.letters
          WHERE closed_at IS NOT NULL AND redacted_at IS NULL AND accepted_at < \(before)
          ORDER BY accepted_at LIMIT 1000)
        """
      ).affected
    } while redacted == 1000
    try await pool.query(
      """
      UPDATE dead_letter.poison SET body = '', returning_body = NULL
      WHERE state <> 'pending' AND (state <> 'retried' OR published_at IS NOT NULL) AND octet_length(body) > 0
        AND last_received_at < \(before)
      """)
  }

  /// Up to when nothing is to be known of deaths, as the database writes it.
  private func forgets() async throws -> String {
    let row = try await pool.query(
      """
      SELECT least(
        sluice.clock() - \(max(keeps, Self.memory) / .seconds(1)) * interval '1 second',
        -- A death may have lain in its queue for a while before it was poison.
        (SELECT min(received_at) - interval '7 days' FROM dead_letter.poison
         WHERE queue = \(BrokerNames.deadLetterUnits) AND state <> 'abandoned'))::text AS time
      """
    ).first
    return try row?.decode("time") ?? "-infinity"
  }

  func count() async throws { metrics.inStock(try await stock()) }

  func stock() async throws -> DeadLetterMetrics.Stock {
    var stock = DeadLetterMetrics.Stock()
    let open = try await pool.query(
      """
      SELECT error_type, count(*) AS letters FROM dead_letter.letters
      WHERE state IN ('pending', 'replaying') GROUP BY error_type
      """)
    for row in open { stock.open[try row.decode("error_type")] = try row.decode("letters") }
    let row = try await pool.query(
      """
      SELECT
        (SELECT count(*) FROM dead_letter.poison WHERE state = 'pending') AS poison,
        (SELECT count(*) FROM dead_letter.requests WHERE kind = 'replay' AND ended_at IS NULL) AS replays,
        coalesce(extract(epoch FROM sluice.clock() - (
          SELECT min(created_at) FROM dead_letter.letters WHERE state = 'pending')), 0)::float8 AS oldest,
        o.orders, coalesce(extract(epoch FROM sluice.clock() - o.oldest), 0)::float8 AS oldest_order
      FROM (
        SELECT count(*) AS orders, min(created_at) AS oldest FROM dead_letter.orders WHERE answered_at IS NULL) o
      """
    ).first
    guard let row else { return stock }
    stock.pendingPoison = try row.decode("poison")
    stock.runningReplays = try row.decode("replays")
    stock.oldestPending = try row.decode("oldest")
    stock.waitingOrders = try row.decode("orders")
    stock.oldestOrder = try row.decode("oldest_order")
    return stock
  }
}
