import Postgres

/// Writes poison messages.
struct PoisonStore: Sendable {
  var pool: PostgresPool

  /// Stores a message; one that is there already is counted, unless it only comes again because nobody acknowledged it.
  func keep(_ message: PoisonMessage, isRedelivery: Bool) async throws {
    try await pool.query(
      """
      INSERT INTO dead_letter.poison AS kept (
        poison_id, queue, exchange, routing_key, envelope_id, type, headers, body, error, received_at, last_received_at)
      VALUES (
        \(message.id.uuid), \(message.queue), \(message.exchange), \(message.routingKey), \(message.messageID),
        \(message.type), \(PostgresJSON(message.headers)), \(message.body), \(message.error), sluice.clock(),
        sluice.clock())
      ON CONFLICT (poison_id) DO UPDATE
      SET times = kept.times + \(isRedelivery ? 0 : 1), last_received_at = excluded.last_received_at,
          error = excluded.error, headers = excluded.headers
      """)
  }
}
