import Contracts
import Foundation
import Postgres

/// The last hop's durable guard: whatever number of senders run, freeze or wake, no provider gets more than its limit.
struct Gate: Sendable {
  var pool: PostgresPool
  /// This sender's name, for whoever reads the ledger.
  var holder: String
  /// This process's life.
  var incarnation: UUID

  /// One attempt that asks to be let through.
  struct Applicant: Sendable, Hashable {
    var attempt: SendCommand.Attempt
    var notAfter: Timestamp
  }

  /// The gate's answers, in the order of the questions.
  struct Answer: Sendable {
    var verdicts: [GateVerdict]
    /// PostgreSQL's time when it answered.
    var now: Timestamp
  }

  /// Asks for several attempts to one provider at once; verdicts come in the same order.
  ///
  /// What is `claimed` is in the ledger and holds its slot when this returns.
  func claim(
    _ applicants: [Applicant], provider: String, limit: ProviderLimit, timeout: Duration,
    claimLimit: Duration = .milliseconds(100)
  ) async throws -> Answer {
    let rows = try await pool.query(
      """
      SELECT place, verdict, verdict_at, now_at FROM sender.claim(
        \(provider), \(limit.count)::int, \(limit.windowMilliseconds)::int, \(limit.pacing.rawValue), \(limit.version),
        \(applicants.map(\.attempt.id.messageID.uuid)), \(applicants.map(\.attempt.id.index))::int[],
        \(applicants.map(\.attempt.id.dispatch))::int[], \(applicants.map(\.attempt.cost))::int[],
        \(applicants.map(\.notAfter.date)), \(holder), \(incarnation), \(Int(timeout / .milliseconds(1)))::int,
        \(Int(claimLimit / .milliseconds(1)))::int)
      ORDER BY place
      """)
    let verdicts = try rows.map { row in
      let verdict: String = try row.decode("verdict")
      let at = Timestamp(try row.decode("verdict_at", as: Date.self))
      let now = Timestamp(try row.decode("now_at", as: Date.self))
      guard let read = GateVerdict(verdict: verdict, at: at, now: now) else {
        throw GateError.unknownVerdict(verdict)
      }
      return read
    }
    guard verdicts.count == applicants.count, let first = rows.first else { throw GateError.verdictsMissing }
    return Answer(verdicts: verdicts, now: Timestamp(try first.decode("now_at", as: Date.self)))
  }

  /// Closes the gate for one window from when the last request begins that has been let through.
  /// - Parameter claimLimit: How long it has for that.
  func closeForOneWindow(provider: String, claimLimit: Duration) async throws {
    let margin = Int(claimLimit / .milliseconds(1)) + 250
    try await pool.query(
      """
      UPDATE sender.gates
      SET closed_until_at =
        greatest(closed_until_at, sluice.clock() + (window_ms + \(margin)::int) * interval '1 millisecond')
      WHERE provider = \(provider)
      """)
  }

  /// How an attempt ended, as it is written to the ledger.
  struct Ending: Sendable {
    var attempt: AttemptID
    var verdict: ReplyClassifier.Verdict
    /// By PostgreSQL's clock, as all times here; never earlier than it was. `nil` when no byte was written.
    var startedAt: Timestamp?
    var finishedAt: Timestamp
    /// Whom it went to: only told apart from others, see `ThrottleJudge`.
    var phone = ""
    /// How often the provider has throttled the SMS before.
    var throttles = 0
  }

  /// Writes endings and frees their slots as the pacing says; at once where no byte was written. A real answer overwrites
  /// what an orphan was given.
  ///
  /// A throttled answer also closes the gate, for as long as `ThrottleJudge` says.
  func finish(_ endings: [Ending], provider: String) async throws {
    guard !endings.isEmpty else { return }
    guard endings.contains(where: { $0.verdict.outcome == .throttled }) else {
      try await pool.query(Self.ended(endings, scopes: [:]))
      return
    }
    // The gate's row first, as a claim locks it.
    try await pool.withTransaction { connection in
      let scopes = try await judge(endings, provider: provider, connection)
      try await connection.query(Self.ended(endings, scopes: scopes))
    }
  }

  private static func ended(_ endings: [Ending], scopes: [AttemptID: ThrottleScope]) -> PostgresQuery {
    """
    UPDATE sender.ledger l
    SET state = 'finished', outcome = e.outcome, reply_status = e.reply_status, reply_body = e.reply_body,
        error_code = e.error_code, reason = e.reason, retry_after_s = e.retry_after_s, started_at = e.started_at,
        finished_at = e.finished_at, throttle_scope = e.throttle_scope, reported_at = NULL,
        anchor_at = CASE
          -- Nothing was written: it takes no place in the window.
          WHEN e.outcome = 'retryable' AND e.started_at IS NULL THEN '-infinity'
          WHEN g.pacing = 'strict' THEN e.finished_at
          ELSE least(e.finished_at, e.started_at + interval '250 milliseconds') END
    FROM unnest(
        \(endings.map(\.attempt.messageID.uuid)), \(endings.map(\.attempt.index)),
        \(endings.map(\.attempt.dispatch)), \(endings.map(\.verdict.outcome.rawValue)),
        \(endings.map(\.verdict.reply?.status)), \(endings.map(\.verdict.reply?.body)),
        \(endings.map(\.verdict.errorCode)), \(endings.map(\.verdict.reason)), \(endings.map(\.verdict.retryAfter)),
        \(endings.map { $0.startedAt?.date }), \(endings.map(\.finishedAt.date)),
        \(endings.map { scopes[$0.attempt]?.rawValue }))
      AS e(message_id, unit_index, dispatch, outcome, reply_status, reply_body, error_code, reason, retry_after_s,
           started_at, finished_at, throttle_scope),
      sender.gates g
    WHERE l.message_id = e.message_id AND l.unit_index = e.unit_index AND l.dispatch = e.dispatch
      AND g.provider = l.provider
      AND (l.state = 'claimed' OR (l.state = 'finished' AND l.error_code = 'orphaned'))
    """
  }

  /// Closes the gate as the throttled ones among these endings demand.
  /// - Returns: Whom each of them means.
  private func judge(
    _ endings: [Ending], provider: String, _ connection: PostgresConnection
  ) async throws -> [AttemptID: ThrottleScope] {
    let row = try await connection.query(
      """
      SELECT g.refused_number, g.refused_at, g.is_refused_widely, (
        SELECT l.started_at FROM sender.ledger l
        WHERE l.provider = g.provider AND l.anchor_at > g.refused_at AND l.outcome = 'accepted'
        ORDER BY l.anchor_at DESC LIMIT 1) AS accepted_at
      FROM sender.gates g WHERE g.provider = \(provider) FOR UPDATE OF g
      """
    ).first
    var memory: ThrottleJudge.Memory?
    if let row, let number = try row.decode("refused_number", as: Int?.self),
      let at = try row.decode("refused_at", as: Date?.self)
    {
      memory = ThrottleJudge.Memory(number: number, at: Timestamp(at), isWide: try row.decode("is_refused_widely"))
    }
    var judge = ThrottleJudge(memory: memory)
    var accepted = try row?.decode("accepted_at", as: Date?.self).map(Timestamp.init)
    for case let startedAt? in endings.filter({ $0.verdict.outcome == .accepted }).map(\.startedAt) {
      accepted = accepted.map { max($0, startedAt) } ?? startedAt
    }
    var scopes: [AttemptID: ThrottleScope] = [:]
    var closing = 0.0
    let refused = endings.filter { $0.verdict.outcome == .throttled }.sorted { $0.finishedAt < $1.finishedAt }
    for ending in refused {
      let verdict = judge.judge(
        ThrottleJudge.Refusal(
          number: ThrottleJudge.digest(of: ending.phone), isRepeat: ending.throttles > 0,
          retryAfter: ending.verdict.retryAfter, startedAt: ending.startedAt ?? ending.finishedAt,
          finishedAt: ending.finishedAt), lastAccepted: accepted)
      scopes[ending.attempt] = verdict.scope
      closing = max(closing, verdict.closing)
    }
    try await connection.query(
      """
      UPDATE sender.gates
      SET closed_until_at = greatest(closed_until_at, sluice.clock() + \(closing) * interval '1 second'),
          refused_number = \(judge.memory?.number), refused_at = \(judge.memory?.at.date),
          is_refused_widely = \(judge.memory?.isWide ?? false)
      WHERE provider = \(provider)
      """)
    return scopes
  }

  /// Turns own claims of which certainly no byte was written into expired ones, and gives their slots back.
  func expire(_ attempts: [AttemptID]) async throws {
    guard !attempts.isEmpty else { return }
    try await pool.query(
      """
      UPDATE sender.ledger l SET state = 'expired', reported_at = NULL, anchor_at = NULL
      FROM unnest(\(attempts.map(\.messageID.uuid)), \(attempts.map(\.index)), \(attempts.map(\.dispatch)))
        AS e(message_id, unit_index, dispatch)
      WHERE l.message_id = e.message_id AND l.unit_index = e.unit_index AND l.dispatch = e.dispatch
        AND l.state = 'claimed' AND l.holder = \(holder) AND l.incarnation = \(incarnation)
      """)
  }

  /// Lets go of the pessimistic anchor of requests that are under way: their first byte went out at these times.
  func relax(_ started: [(attempt: AttemptID, startedAt: Timestamp)]) async throws {
    guard !started.isEmpty else { return }
    try await pool.query(
      """
      UPDATE sender.ledger l SET started_at = e.started_at, anchor_at = e.started_at + interval '250 milliseconds'
      FROM unnest(
          \(started.map(\.attempt.messageID.uuid)), \(started.map(\.attempt.index)),
          \(started.map(\.attempt.dispatch)), \(started.map(\.startedAt.date)))
        AS e(message_id, unit_index, dispatch, started_at), sender.gates g
      WHERE l.message_id = e.message_id AND l.unit_index = e.unit_index AND l.dispatch = e.dispatch
        AND g.provider = l.provider AND g.pacing = 'sliding' AND l.state = 'claimed'
      """)
  }
}

/// A reply of the database that this version does not understand.
enum GateError: Error {
  case unknownVerdict(String)
  case verdictsMissing
}
