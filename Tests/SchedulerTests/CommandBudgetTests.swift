import Testing

@testable import Scheduler

@Suite("Budget for commands")
struct CommandBudgetTests {
  private let start = ContinuousClock.now

  @Test("Short commands after a quiet time are carried out at once")
  func burst() {
    var budget = CommandBudget(now: start)
    for number in 0..<9 {
      let now = start + .milliseconds(20 * number)
      #expect(budget.isOpen(now: now))
      budget.spend(.milliseconds(20), now: now)
    }
  }

  @Test("A long command is paid back before the next begins")
  func debt() {
    var budget = CommandBudget(now: start)
    budget.spend(.seconds(1), now: start)
    #expect(!budget.isOpen(now: start + .milliseconds(3_100)))
    let opening = budget.opensAt(now: start)
    // 0.8 s are owed, a quarter of the time pays them.
    #expect(start.duration(to: opening) > .milliseconds(3_199) && start.duration(to: opening) < .milliseconds(3_201))
    #expect(budget.isOpen(now: opening))
  }

  @Test("Commands without end get a quarter of the time", arguments: [1, 20, 90])
  func share(milliseconds: Int) {
    var budget = CommandBudget(now: start)
    var now = start
    var spent = Duration.zero
    while start.duration(to: now) < .seconds(60) {
      now = max(now, budget.opensAt(now: now))
      #expect(budget.isOpen(now: now))
      now += .milliseconds(milliseconds)
      budget.spend(.milliseconds(milliseconds), now: now)
      spent += .milliseconds(milliseconds)
    }
    #expect(spent > .seconds(14.5) && spent < .seconds(15.6))
  }
}
