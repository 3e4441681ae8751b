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
    var startedAt: Timestamp?
    var finishedAt: Timestamp?
  }

  /// A unit that has to be put somewhere in memory.
  struct Returned: Sendable {
    var unit: ReturnedUnit
    var flow: FlowKey
    /// When it may go again; `nil` for at once, to the front of its flow.
    var dueAt: Timestamp?
  }

  /// An outcome that was news, for what is known about its provider.
  struct News: Sendable {
    var provider: String
    var outcome: AttemptOutcome
    var startedAt: Timestamp
    /// The same SMS has been throttled before.
    var isRepeat: Bool
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
    var ending: UnitTransition.Ending?
    var expiresAt: Timestamp?
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
      for report in reports {
        guard let row = rows[report.attempt.unit] else { continue }
        let policy = policies[report.provider] ?? ProviderPolicy()
        let decision = UnitTransition(policy: policy).decide(
          row.unit, dispatch: report.attempt.dispatch, report: report.report, provider: report.provider,
          messageClass: row.flow.messageClass,
          ending: row.ending ?? row.expiresAt.flatMap { $0 <= now ? .expired : nil }, random: .random(in: 0..<1))
        switch decision {
        case .ignore: continue
        case .change(let unit, let dueAfter):
          let dueAt = unit.state == .retrying ? now + .seconds(dueAfter ?? 0) : nil
          applied.append(
            Applied(
              report: report, old: row.unit, new: unit, row: row, dueAt: dueAt,
              maxAttempts: policy.retry.maxAttempts))
          rows[report.attempt.unit]?.unit = unit
        }
      }
      guard !applied.isEmpty else { return Result() }
      try await updateUnits(applied, connection)
      try await updateAttempts(applied, at: now, connection)
      let finished = try await updateCounts(applied, at: now, connection)
      let net = Self.net(applied)
      return Result(
        returned: net.compactMap(Self.returned), news: applied.compactMap { $0.news(now) },
        settled: net.filter { $0.old.state == .retrying && $0.new.state.isFinal }
          .map { ($0.report.attempt.unit, $0.row.flow) },
        outbox: try await writeFacts(applied, finished: finished, at: now, connection))
    }
  }

  private func load(_ units: Set<UnitID>, _ connection: PostgresConnection) async throws -> [UnitID: Row] {
    let units = units.sorted { ($0.messageID, $0.index) < ($1.messageID, $1.index) }
    let rows = try await connection.query(
      """
      SELECT u.message_id, u.unit_index, u.dispatch, u.state, u.attempts_used, u.throttles, u.failed_providers, u.is_resent,
        f.class, f.user_id, f.provider, m.segments, m.providers, m.request_id, m.is_paused, m.ended, m.expires_at
      FROM unnest(\(units.map(\.messageID.uuid)), \(units.map(\.index))) AS p(message_id, unit_index)
      JOIN scheduler.units u USING (message_id, unit_index)
      JOIN scheduler.messages m USING (message_id)
      JOIN scheduler.flows f USING (flow_id)
      """)
    var result: [UnitID: Row] = [:]
    for row in rows {
      let ended: String? = try row.decode("ended")
      result[try UnitID(row)] = Row(
        unit: UnitTransition.Unit(
          state: try UnitState(row), dispatch: try row.decode("dispatch"),
          attemptsUsed: try row.decode("attempts_used"),
          throttles: try row.decode("throttles"), failedProviders: try row.decode("failed_providers"),
          isResent: try row.decode("is_resent")),
        flow: try FlowKey(row), segments: try row.decode("segments"), allowed: try row.decode("providers"),
        requestID: try row.decode("request_id"),
        isPaused: try row.decode("is_paused"),
        ending: ended.map { $0 == "cancelled" ? .cancelled : .expired },
        expiresAt: try row.decode("expires_at", as: Date?.self).map(Timestamp.init))
    }
    return result
  }

  /// One change for each unit: one may change twice in a batch (an orphan's end and its late answer).
  private static func net(_ applied: [Applied]) -> [Applied] {
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
          due_at = p.due_at, failed_providers = string_to_array(p.failed_providers, ','), is_resent = p.is_resent
      FROM unnest(
          \(changes.map(\.report.attempt.messageID.uuid)), \(changes.map(\.report.attempt.index)),
          \(changes.map(\.old.dispatch)), \(changes.map(\.old.state.rawValue)), \(changes.map(\.new.dispatch)),
          \(changes.map(\.new.state.rawValue)), \(changes.map(\.new.attemptsUsed)), \(changes.map(\.new.throttles)),
          \(changes.map { $0.dueAt?.date }), \(changes.map { $0.new.failedProviders.joined(separator: ",") }),
          \(changes.map(\.new.isResent)))
        AS p(message_id, unit_index, old_dispatch, old_state, dispatch, state, attempts_used, throttles, due_at,
             failed_providers, is_resent)
      WHERE u.message_id = p.message_id AND u.unit_index = p.unit_index AND u.dispatch = p.old_dispatch
        AND u.state = p.old_state
      """)
    guard rows.affected == changes.count else { throw StoreError.outOfStep }
  }

  private func updateAttempts(
    _ applied: [Applied], at now: Timestamp, _ connection: PostgresConnection
  ) async throws {
    let last = Dictionary(applied.map { ($0.report.attempt, $0.report) }, uniquingKeysWith: { $1 })
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

  /// Moves the messages' counts, and finds those all of whose units are final now.
  private func updateCounts(
    _ applied: [Applied], at now: Timestamp, _ connection: PostgresConnection
  ) async throws -> [MessagesFinished.Entry] {
    var deltas: [MessageID: UnitCounts] = [:]
    for change in applied {
      if change.old.state.isFinal {
        deltas[change.report.attempt.messageID, default: UnitCounts()][change.old.state] -= 1
      }
      if change.new.state.isFinal {
        deltas[change.report.attempt.messageID, default: UnitCounts()][change.new.state] += 1
      }
    }
    guard !deltas.isEmpty else { return [] }
    let ids = deltas.keys.sorted()
    let changes = ids.map { deltas[$0] ?? UnitCounts() }
    let rows = try await connection.query(
      """
      UPDATE scheduler.messages m
      SET sent = m.sent + p.sent, failed = m.failed + p.failed, dead = m.dead + p.dead,
          unconfirmed = m.unconfirmed + p.unconfirmed, expired = m.expired + p.expired,
          cancelled = m.cancelled + p.cancelled,
          finished_at = CASE
            WHEN m.sent + m.failed + m.dead + m.expired + m.cancelled + m.unconfirmed
               + p.sent + p.failed + p.dead + p.expired + p.cancelled + p.unconfirmed = m.total THEN \(now.date) END
      FROM unnest(
          \(ids.map(\.uuid)), \(changes.map(\.sent)), \(changes.map(\.failed)), \(changes.map(\.dead)),
          \(changes.map(\.unconfirmed)), \(changes.map(\.expired)), \(changes.map(\.cancelled)))
        AS p(message_id, sent, failed, dead, unconfirmed, expired, cancelled)
      WHERE m.message_id = p.message_id
      RETURNING m.message_id, m.sent, m.failed, m.dead, m.expired, m.cancelled, m.unconfirmed, m.finished_at
      """)
    return try rows.compactMap { row in
      guard try row.decode("finished_at", as: Date?.self) != nil else { return nil }
      return MessagesFinished.Entry(
        messageID: try MessageID(row), counts: try UnitCounts(row), finishedAt: now)
    }
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
          flow: applied.row.flow, dueAt: applied.dueAt)
    case .sending, .dead, .unconfirmed, .expired, .cancelled, .failed, .sent:
      nil
    }
  }
}
