import Contracts
import Metering
import Testing

@testable import Scheduler

/// Steps of tests on units that lie in the dead letters.
extension SchedulerDatabase {
  /// Sends a unit that came back again, as the leader would.
  func dispatch(_ returned: OutcomeStore.Returned) async throws -> SendCommand.Attempt {
    let pick = DispatchPick(
      source: .returned(returned.unit), flow: returned.flow, provider: returned.flow.provider ?? "hkt", cost: 1)
    let issued = try await DispatchStore(term: term).issue(
      [DispatchStore.Order(provider: pick.provider, limit: Self.limit, picks: [pick])],
      tags: [FlowTags(flowID: 1, tags: ["hkt": 5])])
    return try #require(issued.commands.first?.command.attempts.first)
  }

  /// Lets an attempt and all that follow fail until the unit is dead.
  func kill(_ attempt: AttemptID) async throws -> UnitsDead.Entry {
    var attempt = attempt
    while true {
      let result = try await report(attempt, .outcome(.retryable))
      guard let returned = result.returned.first else {
        return try #require(try result.outbox.facts(UnitsDead.self).first?.units.first)
      }
      attempt = try await dispatch(returned).id
    }
  }

  /// The only letter of a message with one SMS.
  func letter(_ state: UnitState = .dead) async throws -> UnitsDead.Entry {
    let span = try await takeIn(message(1)).admitted[0].span
    let attempt = try await dispatch(span, 0..<1)[0].id
    if state == .dead { return try await kill(attempt) }
    let result = try await report(attempt, .outcome(.unknown))
    return try #require(try result.outbox.facts(UnitsDead.self).first?.units.first)
  }

  /// The letters of one message whose SMS nobody knows the outcome of.
  func doubtfulLetters(_ count: Int) async throws -> [UnitsDead.Entry] {
    let span = try await takeIn(message(count)).admitted[0].span
    let attempts = try await dispatch(span, 0..<count)
    let reports = attempts.map {
      OutcomeStore.Report(
        attempt: $0.id, provider: "hkt", report: .outcome(.unknown), reply: nil, errorCode: "timeout",
        startedAt: .now(), finishedAt: .now())
    }
    let result = try await OutcomeStore(term: term).apply(reports, policies: [:])
    return try result.outbox.facts(UnitsDead.self).flatMap(\.units)
  }

  func replay(
    _ letters: [UnitsDead.Entry], id: ReplayID = .timeOrdered(), command: EnvelopeID = .timeOrdered(),
    as messageClass: MessageClass? = nil, provider: String? = nil, expiresAt: Timestamp? = nil,
    among providers: Set<String> = ["hkt", "a", "b"]
  ) async throws -> CommandStore.Result {
    let order = UnitReplay(
      replayID: id, units: letters, messageClass: messageClass, provider: provider, expiresAt: expiresAt)
    return try await ReplayStore(term: term, providers: providers).replay(order, try Self.header(order, command))
  }

  func settle(
    _ letters: [UnitsDead.Entry], as verdict: UnitSettle.Verdict, command: EnvelopeID = .timeOrdered()
  ) async throws -> CommandStore.Result {
    let order = UnitSettle(units: letters.map { .init(unit: $0.unit, dispatch: $0.dispatch) }, verdict: verdict)
    return try await SettleStore(term: term).settle(order, try Self.header(order, command))
  }

  func cancel(_ replay: ReplayID) async throws -> CommandStore.Result {
    let store = ReplayCancellationStore(term: term)
    var (cancellation, result) = try await begin(cancelling: replay)
    while !cancellation.isDone {
      let step = try await store.step(cancellation)
      cancellation = step.cancellation
      result.outbox += step.outbox
    }
    return result
  }

  func begin(
    cancelling replay: ReplayID, command: EnvelopeID = .timeOrdered()
  ) async throws -> (cancellation: ReplayCancellationStore.Cancellation, result: CommandStore.Result) {
    let header = try Self.header(ReplayCancel(replayID: replay), command)
    return try await ReplayCancellationStore(term: term).begin(replay, header)
  }

  private static func header<Body: Payload>(_ body: Body, _ id: EnvelopeID) throws -> EnvelopeHeader {
    try Wire.header(of: try Wire.encode(Envelope(body, id: id)))
  }

  /// A unit as its row says.
  func unit(_ unit: UnitID) async throws -> (state: UnitState, dispatch: Int, attemptsUsed: Int) {
    let row = try #require(
      try await term.pool.query(
        """
        SELECT state, dispatch, attempts_used FROM scheduler.units
        WHERE message_id = \(unit.messageID.uuid) AND unit_index = \(unit.index)
        """
      ).first)
    return (try UnitState(row), try row.decode("dispatch"), try row.decode("attempts_used"))
  }

  /// The scheduler's own count of what is not final.
  func pendingInLedger() async throws -> [LedgerCounted.Bucket] {
    let store = LedgerStore(term: term, pool: term.pool)
    let mark = EnvelopeID.timeOrdered()
    let counted = try await store.count(marking: { mark }, onSnapshot: { true })
    return try #require(counted).buckets
  }
}

extension CommandAnswered {
  /// All of it, to be compared.
  var summary: String {
    let refused = (refusals ?? []).map { "\($0.unit) \($0.reason)" }
    return "\(commandID) \(command) \(result) \(reason ?? "") \(counts.map { "\($0)" } ?? "") \(refused)"
  }
}
