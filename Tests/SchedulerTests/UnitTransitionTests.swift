import Contracts
import Metering
import Testing

@testable import Scheduler

@Suite("Transitions of a unit")
struct UnitTransitionTests {
  private let sending = UnitTransition.Unit(state: .sending, dispatch: 2, attemptsUsed: 0, throttles: 0)

  private func decide(
    _ unit: UnitTransition.Unit, _ report: UnitTransition.Report, dispatch: Int = 2,
    _ messageClass: MessageClass = .normal, ending: UnitState? = nil
  ) -> UnitTransition.Decision {
    UnitTransition(policy: ProviderPolicy()).decide(
      unit, dispatch: dispatch, report: report, provider: "hkt", messageClass: messageClass, ending: ending,
      random: 0.5)
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
    unit.lastUnknown = 2
    let sent = changed(decide(unit, .outcome(.accepted)))?.0
    #expect(sent?.state == .sent && sent?.dispatch == 4)
    #expect(decide(unit, .outcome(.unknown)) == .ignore)
    #expect(decide(unit, .outcome(.accepted), dispatch: 1) == .ignore)
    unit.state = .pending
    #expect(decide(unit, .outcome(.accepted)) == .ignore)
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
}
