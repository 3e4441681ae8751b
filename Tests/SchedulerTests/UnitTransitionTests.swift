import Contracts
import Metering
import Testing

@testable import Scheduler

@Suite("Transitions of a unit")
struct UnitTransitionTests {
  private let sending = UnitTransition.Unit(state: .sending, dispatch: 2, attemptsUsed: 0, throttles: 0)

  private func decide(
    _ unit: UnitTransition.Unit, _ report: UnitTransition.Report, dispatch: Int = 2,
    _ messageClass: MessageClass = .normal, details: UnitTransition.Details = .init(), ending: UnitState? = nil,
    now: Double = 0
  ) -> UnitTransition.Decision {
    UnitTransition(policy: ProviderPolicy()).decide(
      unit, dispatch: dispatch, report: report, details: details, provider: "hkt", messageClass: messageClass,
      ending: ending, now: Timestamp(seconds: now), random: 0.5)
  }

  private func changed(_ decision: UnitTransition.Decision) -> (UnitTransition.Unit, Double?)? {
    if case .change(let unit, let due) = decision { (unit, due) } else { nil }
  }

  @Test("an accepted attempt is sent, a rejected one failed; both for good")
  func ends() {
    #expect(changed(decide(sending, .outcome(.accepted)))?.0.state == .sent)
    #expect(changed(decide(sending, .outcome(.rejected)))?.0.state == .failed)
  }

  @Test("what a provider refuses for good is kept as a dead letter where its settings say so")
  func kept() {
    let decision = UnitTransition(policy: ProviderPolicy(keepsRejected: true)).decide(
      sending, dispatch: 2, report: .outcome(.rejected), provider: "hkt", messageClass: .normal, random: 0.5)
    #expect(changed(decision)?.0.state == .dead && changed(decision)?.1 == nil)
  }

  @Test("an expired lease puts the unit back under the next dispatch number and costs no attempt")
  func expired() throws {
    let (unit, due) = try #require(changed(decide(sending, .expired)))
    #expect(unit == UnitTransition.Unit(state: .pending, dispatch: 3, attemptsUsed: 0, throttles: 0))
    #expect(due == nil)
  }

  @Test("a retryable failure backs off, and the fifth is the end")
  func retries() throws {
    var unit = sending
    var delays: [Double] = []
    for _ in 0..<4 {
      let (next, due) = try #require(changed(decide(unit, .outcome(.retryable))))
      #expect(next.state == .retrying)
      delays.append(try #require(due))
      unit = next
      unit.state = .sending
    }
    #expect(delays == [1, 2, 4, 8])
    #expect(changed(decide(unit, .outcome(.retryable)))?.0.state == .dead)
  }

  @Test("an unknown outcome is held, but an urgent one is sent again once")
  func unknown() throws {
    #expect(changed(decide(sending, .outcome(.unknown)))?.0.state == .unconfirmed)
    let (again, due) = try #require(changed(decide(sending, .outcome(.unknown), .urgent)))
    #expect(again.state == .retrying)
    #expect(due == 0)
    var second = again
    second.state = .sending
    #expect(changed(decide(second, .outcome(.unknown), .urgent))?.0.state == .unconfirmed)
  }

  @Test("throttling costs no attempt; three in a row wait, fifty are the end")
  func throttled() throws {
    var unit = sending
    for count in 1...50 {
      let (next, due) = try #require(changed(decide(unit, .outcome(.throttled), dispatch: unit.dispatch)))
      #expect(next.attemptsUsed == 0)
      switch count {
      case 50: #expect(next.state == .dead)
      case _ where count % 3 == 0: #expect(next.state == .retrying && due != nil)
      default: #expect(next.state == .pending && next.dispatch == unit.dispatch + 1)
      }
      unit = next
      unit.state = .sending
    }
  }

  @Test("a late answer settles what was unconfirmed; a late doubt does not")
  func late() {
    var unit = sending
    unit.state = .unconfirmed
    #expect(changed(decide(unit, .outcome(.accepted)))?.0.state == .sent)
    #expect(changed(decide(unit, .outcome(.rejected)))?.0.state == .failed)
    #expect(decide(unit, .outcome(.unknown)) == .ignore)
    #expect(decide(unit, .expired) == .ignore)
  }

  @Test("a late answer to the last attempt in doubt settles a unit that a replay gave back unsent")
  func lateAfterReplay() {
    var unit = sending
    unit.state = .unconfirmed
    unit.dispatch = 4
    unit.unresolved = [2]
    let sent = changed(decide(unit, .outcome(.accepted)))?.0
    #expect(sent?.state == .sent && sent?.dispatch == 4)
    #expect(decide(unit, .outcome(.unknown)) == .ignore)
    #expect(decide(unit, .outcome(.accepted), dispatch: 1) == .ignore)
    unit.state = .pending
    let waiting = changed(decide(unit, .outcome(.accepted)))?.0
    #expect(waiting?.state == .sent, "also while it waits to be sent once more")
  }

  @Test("a late answer also ends a unit that waits to be sent again")
  func lateWhileRetrying() {
    var unit = sending
    unit.state = .retrying
    #expect(changed(decide(unit, .outcome(.accepted)))?.0.state == .sent)
    #expect(decide(unit, .outcome(.retryable)) == .ignore)
    #expect(decide(unit, .outcome(.accepted), dispatch: 1) == .ignore)
  }

  @Test(
    "repeats and news about other dispatches change nothing",
    arguments: [UnitState.pending, .dead, .failed, .sent])
  func ignored(state: UnitState) {
    var unit = sending
    unit.state = state
    for outcome in AttemptOutcome.allCases { #expect(decide(unit, .outcome(outcome)) == .ignore) }
    #expect(decide(unit, .expired) == .ignore)
    #expect(decide(sending, .outcome(.accepted), dispatch: 1) == .ignore)
  }

  @Test(
    "what comes back ends with its message or its replay; what may have arrived is unconfirmed, and a late answer still counts"
  )
  func ended() {
    for state in [UnitState.cancelled, .expired, .dead, .unconfirmed] {
      for report in [UnitTransition.Report.expired, .outcome(.retryable), .outcome(.throttled)] {
        #expect(changed(decide(sending, report, ending: state))?.0.state == state)
      }
      #expect(changed(decide(sending, .outcome(.unknown), .urgent, ending: state))?.0.state == .unconfirmed)
      #expect(changed(decide(sending, .outcome(.accepted), ending: state))?.0.state == .sent)
      guard state != .dead else { continue }
      var unit = sending
      unit.state = state
      #expect(changed(decide(unit, .outcome(.accepted)))?.0.state == .sent)
      #expect(decide(unit, .outcome(.unknown)) == .ignore)
    }
  }

  @Test("an unknown outcome after a failed attempt is still sent again once")
  func unknownAfterFailure() {
    var unit = sending
    unit.attemptsUsed = 1
    #expect(changed(decide(unit, .outcome(.unknown), .urgent))?.0.state == .retrying)
    unit.isResent = true
    #expect(changed(decide(unit, .outcome(.unknown), .urgent))?.0.state == .unconfirmed)
  }

  @Test("refused credentials cost nothing, and the unit goes back at once")
  func credentials() {
    let next = changed(decide(sending, .outcome(.refusedCredentials)))
    #expect(next?.0.state == .pending && next?.0.attemptsUsed == 0 && next?.1 == nil)
  }

  // MARK: What may have arrived

  /// Sent again after an unknown outcome; the second attempt is under way.
  private var inDoubt: UnitTransition.Unit {
    var unit = sending
    unit.dispatch = 3
    unit.attemptsUsed = 1
    unit.isResent = true
    unit.unresolved = [2]
    return unit
  }

  @Test("while an attempt is in doubt, nothing but an acceptance ends the unit otherwise than as unconfirmed")
  func doubtStays() {
    let rejected = changed(decide(inDoubt, .outcome(.rejected), dispatch: 3, .urgent))?.0
    #expect(rejected?.state == .unconfirmed)
    var exhausted = inDoubt
    exhausted.attemptsUsed = 4
    #expect(changed(decide(exhausted, .outcome(.retryable), dispatch: 3, .urgent))?.0.state == .unconfirmed)
    var throttled = inDoubt
    throttled.throttles = 49
    #expect(changed(decide(throttled, .outcome(.throttled), dispatch: 3, .urgent))?.0.state == .unconfirmed)
    for ending in [UnitState.cancelled, .expired, .dead] {
      for report in [UnitTransition.Report.expired, .outcome(.retryable), .outcome(.refusedCredentials)] {
        let unit = changed(decide(inDoubt, report, dispatch: 3, .urgent, ending: ending))?.0
        #expect(unit?.state == .unconfirmed)
      }
    }
    #expect(changed(decide(inDoubt, .outcome(.accepted), dispatch: 3, .urgent))?.0.state == .sent)
    var replayed = sending
    replayed.isDoubtful = true
    #expect(changed(decide(replayed, .outcome(.rejected)))?.0.state == .unconfirmed)
  }

  @Test("there is never a third copy: what may have arrived and is in doubt again is held")
  func noThirdCopy() {
    #expect(changed(decide(inDoubt, .outcome(.unknown), dispatch: 3, .urgent))?.0.state == .unconfirmed)
    var replayed = inDoubt
    replayed.isResent = false
    #expect(changed(decide(replayed, .outcome(.unknown), dispatch: 3, .urgent))?.0.state == .unconfirmed)
    // Nothing was sent: it is still the second copy that goes.
    #expect(changed(decide(inDoubt, .outcome(.retryable), dispatch: 3, .urgent))?.0.state == .retrying)
  }

  @Test("a late acceptance of an earlier attempt ends the unit as sent, a late refusal clears the doubt")
  func lateWhileSending() throws {
    for state in [UnitState.sending, .pending, .retrying, .unconfirmed] {
      var unit = inDoubt
      unit.state = state
      #expect(changed(decide(unit, .outcome(.accepted)))?.0.state == .sent)
    }
    guard case .resolve(let cleared) = decide(inDoubt, .outcome(.rejected)) else {
      Issue.record("the doubt was not cleared")
      return
    }
    #expect(cleared.state == .sending && cleared.dispatch == 3 && !cleared.mayHaveArrived)
    #expect(changed(decide(cleared, .outcome(.rejected), dispatch: 3))?.0.state == .failed)
    var twice = inDoubt
    twice.state = .unconfirmed
    twice.unresolved = [2, 3]
    guard case .resolve(let one) = decide(twice, .outcome(.rejected)) else {
      Issue.record("the other attempt may have arrived")
      return
    }
    #expect(one.state == .unconfirmed && one.unresolved == [3])
    #expect(changed(decide(one, .outcome(.rejected), dispatch: 3))?.0.state == .failed)
    #expect(decide(inDoubt, .outcome(.accepted), dispatch: 1) == .ignore, "an attempt that was known")
  }

  // MARK: One number's limit, and what was not sent

  @Test("a number's own limit makes its SMS wait as long as the provider asked, and no other way round")
  func numbersLimit() throws {
    let details = UnitTransition.Details(retryAfter: 300, scope: .number)
    let (unit, due) = try #require(changed(decide(sending, .outcome(.throttled), details: details)))
    #expect(unit.state == .retrying && due == 300 && unit.attemptsUsed == 0)
    let forAll = UnitTransition.Details(retryAfter: 300, scope: .provider)
    #expect(changed(decide(sending, .outcome(.throttled), details: forAll))?.0.state == .pending, "another may take it")
    let silent = UnitTransition.Details(scope: .number)
    #expect(changed(decide(sending, .outcome(.throttled), details: silent))?.1 == 1)
  }

  @Test("what cannot be sent for less than an hour costs no attempt and does not die; then attempts count")
  func unsent() throws {
    let details = UnitTransition.Details(isUnsent: true)
    var unit = sending
    var now = 1000.0
    while now < 1000 + 3590 {
      let (next, due) = try #require(
        changed(decide(unit, .outcome(.retryable), dispatch: unit.dispatch, details: details, now: now)))
      #expect(next.state == .retrying && next.attemptsUsed == 0)
      #expect(try #require(due) <= 30)
      unit = next
      unit.state = .sending
      now += 60
    }
    now = 1000 + 3601
    for used in 1...4 {
      let next = changed(decide(unit, .outcome(.retryable), dispatch: unit.dispatch, details: details, now: now))?.0
      #expect(next?.state == .retrying && next?.attemptsUsed == used)
      unit = try #require(next)
      unit.state = .sending
    }
    #expect(
      changed(decide(unit, .outcome(.retryable), dispatch: unit.dispatch, details: details, now: now))?.0.state == .dead
    )
    // An answer in between ends the run.
    let answered = changed(decide(unit, .outcome(.throttled), dispatch: unit.dispatch, now: now))?.0
    #expect(answered?.unsent == 0 && answered?.unsentSince == nil)
  }
}
