import Contracts
import Postgres

/// Attempts of the last day by the hour, as the projector counts them.
struct ThroughputHistory: Sendable {
  let pool: PostgresPool

  /// One hour.
  struct Hour: Sendable, Equatable {
    var start: Timestamp
    var sent: Int
    var failed: Int
  }

  /// SMS that were sent in the last 60 seconds; of the minute in which those began, the part that they take of it.
  func lastMinute() async throws -> Double {
    try await pool.query(
      """
      SELECT coalesce(sum(t.sent * CASE
          WHEN t.minute = date_trunc('minute', sluice.clock()) THEN 1
          ELSE 1 - extract(epoch FROM sluice.clock() - date_trunc('minute', sluice.clock())) / 60 END), 0)::float8 AS sent
      FROM projection.throughput_read t
      WHERE t.minute >= date_trunc('minute', sluice.clock()) - interval '1 minute'
      """
    ).first?.decode("sent") ?? 0
  }

  /// The last 24 hours, the one that has begun among them, oldest first.
  func lastDay() async throws -> [Hour] {
    try await pool.query(
      """
      SELECT hour, coalesce(sum(t.sent), 0)::bigint AS sent, coalesce(sum(t.failed), 0)::bigint AS failed
      FROM generate_series(
          date_trunc('hour', sluice.clock()) - interval '23 hours', date_trunc('hour', sluice.clock()),
          interval '1 hour') AS hour
      LEFT JOIN projection.throughput_read t ON t.minute >= hour AND t.minute < hour + interval '1 hour'
      GROUP BY hour ORDER BY hour
      """
    ).map { row in
      Hour(
        start: try row.decodeTime("hour") ?? .now(), sent: try row.decode("sent"), failed: try row.decode("failed"))
    }
  }
}
