import Contracts
import Foundation
import Postgres

/// What the ledger knows and the scheduler may not: the ledger row is the outbox of its outcome.
struct OutcomeLedger: Sendable {
  var pool: PostgresPool

  /// The reports of one provider, ready to be published.
  struct Report: Sendable {
    var provider: String
    var outcomes: [AttemptOutcomes.Entry] = []
    var expired: [AttemptID] = []
    var gateOpensAt: Timestamp?

    var attempts: [AttemptID] { outcomes.map(\.attempt) + expired }
  }

  /// Reports that nobody has confirmed, oldest first.
  /// - Parameter age: Only rows at least this old: younger ones are being reported by whoever wrote them.
  func unreported(olderThan age: Duration, limit: Int = 256) async throws -> [Report] {
    try await reports(
      """
      SELECT message_id, unit_index, dispatch FROM sender.ledger
      WHERE state <> 'claimed' AND reported_at IS NULL
        AND coalesce(finished_at, recorded_at) <= sluice.clock() - \(age / .seconds(1)) * interval '1 second'
      ORDER BY recorded_at LIMIT \(limit)
      """)
  }

  /// The reports of these attempts, as far as they have ended.
  func reports(of attempts: [AttemptID]) async throws -> [Report] {
    guard !attempts.isEmpty else { return [] }
    return try await reports(
      """
      SELECT * FROM unnest(\(attempts.map(\.messageID.uuid)), \(attempts.map(\.index)), \(attempts.map(\.dispatch)))
        AS a(message_id, unit_index, dispatch)
      """)
  }

  /// Notes that the broker has confirmed a report; an attempt whose outcome has changed meanwhile is reported again.
  func markReported(_ report: Report) async throws {
    let attempts = report.attempts
    guard !attempts.isEmpty else { return }
    let outcomes: [String?] = report.outcomes.map(\.outcome.rawValue) + report.expired.map { _ in nil }
    try await pool.query(
      """
      UPDATE sender.ledger l SET reported_at = sluice.clock()
      FROM unnest(
          \(attempts.map(\.messageID.uuid)), \(attempts.map(\.index)), \(attempts.map(\.dispatch)), \(outcomes))
        AS a(message_id, unit_index, dispatch, outcome)
      WHERE l.message_id = a.message_id AND l.unit_index = a.unit_index AND l.dispatch = a.dispatch
        AND l.state <> 'claimed' AND l.outcome IS NOT DISTINCT FROM a.outcome
      """)
  }

  private func reports(_ picked: PostgresQuery) async throws -> [Report] {
    let rows = try await pool.query(
      """
      WITH picked AS (\(picked)),
      ended AS MATERIALIZED (
        SELECT l.* FROM sender.ledger l JOIN picked USING (message_id, unit_index, dispatch) WHERE l.state <> 'claimed'),
      -- Once for each provider: it looks at the whole window.
      gates AS MATERIALIZED (
        SELECT e.provider, sender.opens_at(e.provider, 1, sluice.clock()) AS opens_at
        FROM (SELECT DISTINCT provider FROM ended) e)
      SELECT * FROM ended JOIN gates USING (provider)
      """)
    var reports: [String: Report] = [:]
    for row in rows {
      let provider: String = try row.decode("provider")
      let attempt = AttemptID(
        messageID: MessageID(try row.decode("message_id")), index: try row.decode("unit_index"),
        dispatch: try row.decode("dispatch"))
      var report = reports[provider] ?? Report(provider: provider)
      report.gateOpensAt = try row.decode("opens_at", as: Date?.self).map(Timestamp.init)
      if try row.decode("state", as: String.self) == "expired" {
        report.expired.append(attempt)
      } else {
        report.outcomes.append(try Self.outcome(of: attempt, row))
      }
      reports[provider] = report
    }
    return Array(reports.values)
  }

  private static func outcome(of attempt: AttemptID, _ row: PostgresRow) throws -> AttemptOutcomes.Entry {
    let status = try row.decode("reply_status", as: Int?.self)
    let body = try row.decode("reply_body", as: String?.self)
    return AttemptOutcomes.Entry(
      attempt: attempt,
      outcome: AttemptOutcome(rawValue: try row.decode("outcome")) ?? .unknown,
      reply: status == nil && body == nil ? nil : ProviderReply(status: status, body: body ?? ""),
      errorCode: try row.decode("error_code"), reason: try row.decode("reason"),
      claimedAt: Timestamp(try row.decode("claimed_at", as: Date.self)),
      startedAt: try row.decode("started_at", as: Date?.self).map(Timestamp.init),
      finishedAt: Timestamp(try row.decode("finished_at", as: Date.self)),
      retryAfterSeconds: try row.decode("retry_after_s"),
      throttleScope: try row.decode("throttle_scope", as: String?.self).flatMap(ThrottleScope.init(rawValue:)))
  }
}
