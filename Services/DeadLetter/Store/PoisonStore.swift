import Contracts
import Postgres

/// Writes poison messages.
struct PoisonStore: Sendable {
  var pool: PostgresPool

  /// Stores a message. One that is there already is counted and waits for somebody to decide again, unless it only comes
  /// again because nobody acknowledged it.
  func keep(_ message: PoisonMessage, isRedelivery: Bool) async throws {
    // What was given back says how often it had been here; of anything else the broker's word is all there is.
    let before = message.timesBefore
    let isAgain: PostgresQuery = "coalesce(\(before) + 1 > kept.times, \(!isRedelivery))"
    try await pool.withTransaction { connection in
      try await insert(message, before: before, isAgain, connection)
      try await connection.query(Self.endingReturns(message.id))
    }
  }

  /// Ends the requests to give a message back that wait again for somebody to decide: another copy of it came before it
  /// lay in its queue.
  private static func endingReturns(_ id: EnvelopeID) -> PostgresQuery {
    """
    WITH ended AS (
      UPDATE dead_letter.request_letters rl
      SET result = \(RequestResults.refusal + "came_again"), ended_at = sluice.clock()
      FROM dead_letter.requests r, dead_letter.poison p
      WHERE rl.letter_id = \(id.uuid) AND rl.ended_at IS NULL AND r.request_id = rl.request_id AND r.kind = 'return'
        AND p.poison_id = rl.letter_id AND p.state = 'pending'
      RETURNING rl.request_id)
    UPDATE dead_letter.requests r SET answered_at = sluice.clock(), ended_at = sluice.clock()
    FROM ended e WHERE r.request_id = e.request_id
    """
  }

  private func insert(
    _ message: PoisonMessage, before: Int?, _ isAgain: PostgresQuery, _ connection: PostgresConnection
  ) async throws {
    try await connection.query(
      """
      INSERT INTO dead_letter.poison AS kept (
        poison_id, queue, exchange, routing_key, envelope_id, type, headers, body, error, times, received_at, last_received_at)
      VALUES (
        \(message.id.uuid), \(message.queue), \(message.exchange), \(message.routingKey), \(message.messageID),
        \(message.type), \(PostgresJSON(message.headers)), \(message.body), \(message.error),
        \((before ?? 0) + 1), sluice.clock(), sluice.clock())
      ON CONFLICT (poison_id) DO UPDATE
      SET times = CASE WHEN \(isAgain) THEN coalesce(\(before) + 1, kept.times + 1) ELSE kept.times END,
          state = CASE WHEN \(isAgain) THEN 'pending' ELSE kept.state END,
          closed_at = CASE WHEN NOT \(isAgain) THEN kept.closed_at END,
          published_at = CASE WHEN NOT \(isAgain) THEN kept.published_at END,
          returning_body = CASE WHEN NOT \(isAgain) THEN kept.returning_body END,
          body = excluded.body, type = excluded.type, envelope_id = excluded.envelope_id,
          last_received_at = excluded.last_received_at, error = excluded.error, headers = excluded.headers
      """)
  }
}
