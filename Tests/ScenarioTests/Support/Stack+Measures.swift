import Postgres
import TestSupport

/// What the tables say about attempts since a moment.
struct AttemptMeasures: Sendable {
  /// From the first request byte to the whole answer, mean.
  var latency: Duration
  /// From the command's issue to its claim at the gate.
  var medianWait: Duration
  /// Commands whose lease ran out before the gate opened, as a share.
  var expiredShare: Double
  /// Claims whose first byte was not written in time, as a share: each lost a slot.
  var staleShare: Double
  var attempts: Int
}

extension Stack {
  /// PostgreSQL's time as text, for `measures(since:)`.
  func databaseTime() async throws -> String {
    try await query("SELECT sluice.clock()::text AS now").first?.decode("now") ?? ""
  }

  /// Measures all attempts that were issued since then, or those of one provider.
  func measures(since moment: String, at provider: String? = nil) async throws -> AttemptMeasures {
    let rows = try await query(
      """
      SELECT count(*) AS attempts,
             coalesce(avg(extract(epoch FROM l.finished_at - l.started_at)), 0)::double precision AS latency,
             coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM l.claimed_at - a.issued_at)), 0)
               ::double precision AS wait,
             count(*) FILTER (WHERE l.state = 'expired' AND l.claimed_at IS NULL) AS expired,
             count(*) FILTER (WHERE l.state = 'expired' AND l.claimed_at IS NOT NULL) AS stale
      FROM scheduler.attempts a JOIN sender.ledger l USING (message_id, unit_index, dispatch)
      WHERE a.issued_at >= \(moment)::timestamptz AND (\(provider)::text IS NULL OR a.provider = \(provider))
      """)
    guard let row = rows.first else { throw StackError("no measures") }
    let attempts = try row.decode("attempts", as: Int.self)
    func share(_ name: String) throws -> Double {
      Double(try row.decode(name, as: Int.self)) / Double(max(1, attempts))
    }
    return AttemptMeasures(
      latency: .seconds(try row.decode("latency", as: Double.self)),
      medianWait: .seconds(try row.decode("wait", as: Double.self)), expiredShare: try share("expired"),
      staleShare: try share("stale"), attempts: attempts)
  }
}
