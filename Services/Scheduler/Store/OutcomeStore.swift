import Contracts
import Foundation
import Metering
import Postgres

/// Applies reports about attempts: units, attempts, counts and facts, in one transaction.
struct OutcomeStore: Sendable {
  var term: LeaderTerm

  /// One report, of either kind.
  struct Report: Sendable {
    var attempt: AttemptID
    var provider: String
    var report: UnitTransition.Report
    var reply: ProviderReply?
    var errorCode: String?
    /// Why, in the provider's own words.
    var reason: String?
    var startedAt: Timestamp?
    var finishedAt: Timestamp?
    /// No byte of the request was written.
    var isUnsent = false
    /// Seconds, from `finishedAt` on, for which the provider wants to be left alone.
    var retryAfter: Double?
    /// Whom it throttles.
    var scope: ThrottleScope?

    func details(at now: Timestamp) -> UnitTransition.Details {
      UnitTransition.Details(
        isUnsent: isUnsent, retryAfter: retryAfter.map { $0 - (now - (finishedAt ?? now)) / .seconds(1) }, scope: scope)
    }
  }

  /// A unit that has to be put somewhere in memory.
  struct Returned: Sendable {
    var unit: ReturnedUnit
    var flow: FlowKey
    /// When it may go again; `nil` for at once, to the front of its flow.
    var dueAt: Timestamp?
    /// The one that it was given to and that has not sent it: the flow gets its turn back there.
    var provider: String?
  }

  /// An outcome that was news, for what is known about its provider.
  struct News: Sendable {
    var provider: String
    var outcome: AttemptOutcome
    var startedAt: Timestamp
    /// The same SMS has been throttled before.
    var isRepeat: Bool
    /// It failed before the first byte.
    var isUnsent: Bool
    /// Whom it throttles.
    var scope: ThrottleScope?
    var errorCode: String?
  }

  struct Result: Sendable {
    var returned: [Returned] = []
    var news: [News] = []
    /// Units that waited to be sent again and need not, since their answer came after all.
    var settled: [(unit: UnitID, flow: FlowKey)] = []
    var outbox: [OutboxEntry] = []
  }

  /// A unit as it was found, with what is needed of its message.
  struct Row: Sendable {
    var unit: UnitTransition.Unit
    var flow: FlowKey
    var segments: Int
    var allowed: [String]?
    var requestID: String?
    var isPaused: Bool
    /// What it becomes instead of waiting again.
    var ending: UnitState?
    var expiresAt: Timestamp?
    var isReplayed: Bool
  }

  /// A report that changed its unit.
  struct Applied: Sendable {
    var report: Report
    var old: UnitTransition.Unit
    var new: UnitTransition.Unit
    var row: Row
    var dueAt: Timestamp?
    var maxAttempts: Int
  }

  /// - Parameter policies: By provider; a provider that is no longer configured keeps the defaults.
  func apply(_ reports: [Report], policies: [String: ProviderPolicy]) async throws -> Result {
    guard !reports.isEmpty else { return Result() }
    return try await term.transaction { connection, now in
      var rows = try await load(Set(reports.map(\.attempt.unit)), connection)
      var applied: [Applied] = []
      var resolved: [Report] = []
      for report in reports {
        guard let row = rows[report.attempt.unit] else { continue }
        let policy = policies[report.provider] ?? ProviderPolicy()
        let decision = UnitTransition(policy: policy).decide(
          row.unit, dispatch: report.attempt.dispatch, report: report.report, details: report.details(at: now),
          provider: report.provider, messageClass: row.flow.messageClass,
          ending: row.ending ?? row.expiresAt.flatMap { $0 <= now ? .expired : nil }, now: now,
          random: .random(in: 0..<1))
        switch decision {
        case .ignore: continue
        case .resolve(let unit):
          resolved.append(report)
          rows[report.attempt.unit]?.unit = unit
        case .change(let unit, let dueAfter):
          let dueAt = unit.state == .retrying ? now + .seconds(dueAfter ?? 0) : nil
          applied.append(
            Applied(
              report: report, old: row.unit, new: unit, row: row, dueAt: dueAt,
              maxAttempts: policy.retry.maxAttempts))
          rows[report.attempt.unit]?.unit = unit
        }
      }
      guard !(applied.isEmpty && resolved.isEmpty) else { return Result() }
      try await updateAttempts(applied.map(\.report) + resolved, at: now, connection)
      guard !applied.isEmpty else { return Result() }
      try await updateUnits(applied, connection)
      let finished = try await MessageCounts.move(Self.deltas(applied), at: now, connection)
      let net = Self.net(applied)
      return Result(
        returned: net.compactMap(Self.returned), news: applied.compactMap { $0.news(now) },
        settled: net.filter { ($0.old.state == .retrying || $0.old.state == .pending) && $0.new.state.isFinal }
          .map { ($0.report.attempt.unit, $0.row.flow) },
        outbox: try await writeFacts(applied, finished: finished, at: now, connection))
    }
  }

  private func load(_ units: Set<UnitID>, _ connection: PostgresConnection) async throws -> [UnitID: Row] {
    let units = units.sorted { ($0.messageID, $0.index) < ($1.messageID, $1.index) }
    let rows = try await connection.query(
      """
      SELECT u.message_id, u.unit_index, u.dispatch, u.state, u.attempts_used, u.throttles, u.failed_providers, u.is_resent,
        f.class, f.user_id, f.provider, m.segments, m.providers, m.request_id, m.is_paused,
        CASE WHEN m.ended = 'cancelled' THEN m.ended WHEN c.replay_id IS NOT NULL THEN r.from_state
          WHEN r.replay_id IS NULL THEN m.ended END AS ending,
        CASE WHEN r.replay_id IS NULL THEN m.expires_at ELSE r.expires_at END AS expires_at,
        r.replay_id IS NOT NULL AS is_replayed, u.unsent, u.unsent_since_at,
        -- A first attempt under way has none before it.
        CASE WHEN u.dispatch > 0 OR u.state <> 'sending' THEN ARRAY(
          SELECT a.dispatch FROM scheduler.attempts a
          WHERE a.message_id = u.message_id AND a.unit_index = u.unit_index AND a.outcome = 'unknown')
        ELSE '{}' END AS unresolved,
        r.from_state = 'unconfirmed' AND NOT EXISTS (
          SELECT FROM scheduler.attempts a
          WHERE a.message_id = u.message_id AND a.unit_index = u.unit_index AND a.dispatch <= r.died) AS is_doubtful
      FROM unnest(\(units.map(\.messageID.uuid)), \(units.map(\.index))) AS p(message_id, unit_index)
      JOIN scheduler.units u USING (message_id, unit_index)
      JOIN scheduler.messages m USING (message_id)
      LEFT JOIN scheduler.replayed r USING (message_id, unit_index)
      LEFT JOIN scheduler.cancelled_replays c USING (replay_id)
      JOIN scheduler.flows f ON f.flow_id = coalesce(r.flow_id, m.flow_id)
      """)
    var result: [UnitID: Row] = [:]
    for row in rows {
      result[try UnitID(row)] = Row(
        unit: UnitTransition.Unit(
          state: try UnitState(row), dispatch: try row.decode("dispatch"),
          attemptsUsed: try row.decode("attempts_used"),
          throttles: try row.decode("throttles"), failedProviders: try row.decode("failed_providers"),
          isResent: try row.decode("is_resent"), unresolved: Set(try row.decode("unresolved", as: [Int].self)),
          isDoubtful: try row.decode("is_doubtful", as: Bool?.self) ?? false, unsent: try row.decode("unsent"),
          unsentSince: try row.decode("unsent_since_at", as: Date?.self).map(Timestamp.init)),
        flow: try FlowKey(row), segments: try row.decode("segments"), allowed: try row.decode("providers"),
        requestID: try row.decode("request_id"),
        isPaused: try row.decode("is_paused"),
        ending: try row.decode("ending", as: String?.self).flatMap(UnitState.init(rawValue:)),
        expiresAt: try row.decode("expires_at", as: Date?.self).map(Timestamp.init),
        isReplayed: try row.decode("is_replayed"))
    }
    return result
  }

  /// One change for each unit: one may change twice in a batch (an orphan's end and its late answer).
  static func net(_ applied: [Applied]) -> [Applied] {
    let last = Dictionary(
      applied.map { ($0.report.attempt.unit, $0) },
      uniquingKeysWith: { first, second in
        var merged = second
        merged.old = first.old
        return merged
      })
    return Array(last.values)
  }

  /// One statement for all transitions, each from the state it was decided on.
  private func updateUnits(_ applied: [Applied], _ connection: PostgresConnection) async throws {
    let changes = Self.net(applied)
    let rows = try await connection.query(
      """
      UPDATE scheduler.units u
      SET state = p.state, dispatch = p.dispatch, attempts_used = p.attempts_used, throttles = p.throttles,
          due_at = p.due_at, failed_providers = string_to_array(p.failed_providers, ','), is_resent = p.is_resent,
          unsent = p.unsent, unsent_since_at = p.unsent_since_at
      FROM unnest(
          \(changes.map(\.report.attempt.messageID.uuid)), \(changes.map(\.report.attempt.index)),
          \(changes.map(\.old.dispatch)), \(changes.map(\.old.state.rawValue)), \(changes.map(\.new.dispatch)),
          \(changes.map(\.new.state.rawValue)), \(changes.map(\.new.attemptsUsed)), \(changes.map(\.new.throttles)),
          \(changes.map { $0.dueAt?.date }), \(changes.map { $0.new.failedProviders.joined(separator: ",") }),
          \(changes.map(\.new.isResent)), \(changes.map(\.new.unsent)), \(changes.map { $0.new.unsentSince?.date }))
        AS p(message_id, unit_index, old_dispatch, old_state, dispatch, state, attempts_used, throttles, due_at,
             failed_providers, is_resent, unsent, unsent_since_at)
      WHERE u.message_id = p.message_id AND u.unit_index = p.unit_index AND u.dispatch = p.old_dispatch
        AND u.state = p.old_state
      """)
    guard rows.affected == changes.count else { throw StoreError.outOfStep }
  }

  private func updateAttempts(
    _ reports: [Report], at now: Timestamp, _ connection: PostgresConnection
  ) async throws {
    let last = Dictionary(reports.map { ($0.attempt, $0) }, uniquingKeysWith: { $1 })
    let reports = Array(last.values)
    try await connection.query(
      """
      UPDATE scheduler.attempts a
      SET outcome = p.outcome, reply_status = p.reply_status, reply_body = p.reply_body, error_code = p.error_code,
          started_at = p.started_at, finished_at = p.finished_at
      FROM unnest(
          \(reports.map(\.attempt.messageID.uuid)), \(reports.map(\.attempt.index)),
          \(reports.map(\.attempt.dispatch)), \(reports.map(\.report.text)), \(reports.map { $0.reply?.status }),
          \(reports.map { $0.reply?.body }), \(reports.map(\.errorCode)), \(reports.map { $0.startedAt?.date }),
          \(reports.map { ($0.finishedAt ?? now).date }))
        AS p(message_id, unit_index, dispatch, outcome, reply_status, reply_body, error_code, started_at, finished_at)
      WHERE a.message_id = p.message_id AND a.unit_index = p.unit_index AND a.dispatch = p.dispatch
      """)
  }

  /// What the changes do to the messages' counts.
  private static func deltas(_ applied: [Applied]) -> [MessageID: UnitCounts] {
    var deltas: [MessageID: UnitCounts] = [:]
    for change in applied {
      MessageCounts.note(change.report.attempt.messageID, from: change.old.state, to: change.new.state, in: &deltas)
    }
    return deltas
  }

  private static func returned(_ applied: Applied) -> Returned? {
    switch applied.new.state {
    case .pending, .retrying:
      applied.row.isPaused
        ? nil
        : Returned(
          unit: ReturnedUnit(
            unit: applied.report.attempt.unit, expectedDispatch: applied.new.dispatch,
            expectedState: applied.new.state,
            nextDispatch: applied.new.state == .pending ? applied.new.dispatch : applied.new.dispatch + 1,
            segments: applied.row.segments, avoided: applied.new.failedProviders,
            allowed: applied.row.allowed),
          flow: applied.row.flow, dueAt: applied.dueAt, provider: applied.report.provider)
    case .sending, .dead, .unconfirmed, .expired, .cancelled, .failed, .sent:
      nil
    }
  }
}
