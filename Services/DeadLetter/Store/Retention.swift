import Postgres

/// Forgets what nobody needs any more, and counts what is left.
struct Retention: Sendable {
  var pool: PostgresPool
  /// Letters go this long after they were closed, poison this long after it came last.
  var keeps: Duration
  var metrics: DeadLetterMetrics

  /// Deletes in pieces, so that no lock is held for long.
  func prune() async throws {
    let keeps = keeps / .seconds(1)
    var deleted: Int
    repeat {
      deleted = try await pool.query(
        """
        DELETE FROM dead_letter.letters WHERE letter_id IN (
          SELECT letter_id FROM dead_letter.letters
          WHERE closed_at < sluice.clock() - \(keeps) * interval '1 second' LIMIT 1000)
        """
      ).affected
    } while deleted == 1000
    try await pool.query(
      "DELETE FROM dead_letter.poison WHERE last_received_at < sluice.clock() - \(keeps) * interval '1 second'")
    try await pool.query(
      "DELETE FROM dead_letter.early_closings WHERE received_at < sluice.clock() - interval '1 day'")
  }

  func count() async throws {
    let row = try await pool.query(
      """
      SELECT (SELECT count(*) FROM dead_letter.letters WHERE state IN ('pending', 'replaying')) AS letters,
             (SELECT count(*) FROM dead_letter.poison) AS poison
      """
    ).first
    if let row { metrics.inStore(letters: try row.decode("letters"), poison: try row.decode("poison")) }
  }
}
