import Contracts
import Postgres

extension OutcomeStore {
  /// Writes what has happened: changes, letters, late answers, ends.
  func writeFacts(
    _ applied: [Applied], finished: [MessagesFinished.Entry], at now: Timestamp, _ connection: PostgresConnection
  ) async throws -> [OutboxEntry] {
    var facts = Outbox.Draft()
    try facts.add(
      applied.map { $0.change(at: now) }, at: now, requestID: applied.count == 1 ? applied.first?.row.requestID : nil)
    let buried = applied.filter { $0.new.state == .dead || $0.new.state == .unconfirmed }
    if !buried.isEmpty {
      let letters = try await DeadUnits.load(
        buried.map { applied in
          // A unit that goes back to its letter died of what it had died of before.
          (
            AttemptID(unit: applied.report.attempt.unit, dispatch: applied.new.dispatch), applied.new.state,
            applied.row.ending == applied.new.state ? nil : applied.letterType, applied.report.reason,
            applied.maxAttempts
          )
        }, at: now, connection)
      try facts.add(letters, at: now)
    }
    let late = applied.filter { $0.old.state == .unconfirmed && $0.new.state != .unconfirmed }
    if !late.isEmpty {
      try facts.add(
        LettersClosed(
          letters: late.map {
            .init(
              unit: $0.report.attempt.unit, dispatch: $0.old.dispatch, state: $0.new.state,
              reason: "late_answer")
          }), at: now)
    }
    let replayed = Self.net(applied).filter { $0.row.isReplayed && $0.new.state.isFinal }
    try await ReplayedUnits(connection: connection)
      .finish(replayed.map { ($0.report.attempt.unit, $0.new.state) }, at: now, &facts)
    if !finished.isEmpty { try facts.add(MessagesFinished(messages: finished), at: now) }
    return try await Outbox.insert(facts, connection)
  }
}

extension OutcomeStore.Applied {
  /// Why there is a letter. What may have arrived is unconfirmed, however its last attempt ended.
  var letterType: String { new.state == .unconfirmed ? "unconfirmed" : errorType }

  /// Why the unit is where it is, in one word for letters and filters.
  var errorType: String {
    switch report.report {
    case .expired: "expired"
    case .outcome(.accepted): "none"
    case .outcome(.rejected): "rejected"
    case .outcome(.throttled): "throttled"
    case .outcome(.refusedCredentials): "credentials"
    case .outcome(.unknown): "unconfirmed"
    case .outcome(.retryable): report.reply == nil ? (report.errorCode ?? "connection") : "provider_error"
    }
  }

  /// What the provider's health, rate and credentials are judged by; nothing for a lease that ran out.
  func news(_ now: Timestamp) -> OutcomeStore.News? {
    guard case .outcome(let outcome) = report.report, report.errorCode != "orphaned" else { return nil }
    return OutcomeStore.News(
      provider: report.provider, outcome: outcome, startedAt: report.startedAt ?? now, isRepeat: old.throttles > 0,
      isUnsent: report.isUnsent, scope: report.scope, errorCode: report.errorCode)
  }

  func change(at now: Timestamp) -> UnitChange {
    let outcome: AttemptOutcome? = if case .outcome(let outcome) = report.report { outcome } else { nil }
    return UnitChange(
      attempt: report.attempt, state: new.state, dispatch: new.dispatch, attemptsUsed: new.attemptsUsed,
      provider: report.provider, outcome: outcome, reply: report.reply?.brief,
      errorCode: outcome == .accepted ? nil : report.errorCode,
      errorMessage: outcome == .accepted || outcome == nil ? nil : report.reason ?? errorType,
      startedAt: report.startedAt,
      finishedAt: report.finishedAt ?? now, dueAt: dueAt,
      mayBeDuplicate: outcome == .unknown && new.state == .retrying ? true : nil)
  }
}

extension UnitTransition.Report {
  /// As the attempts table has it.
  var text: String {
    switch self {
    case .outcome(let outcome): outcome.rawValue
    case .expired: "expired"
    }
  }
}
