import Contracts
import Testing

@testable import APIGateway

@Suite("Request budget")
struct RequestBudgetTests {
  private let ann = UserID.timeOrdered()
  private let bob = UserID.timeOrdered()

  @Test("A user who asks too often is refused alone, until a second has passed")
  func perUser() {
    var budget = RequestBudget(rate: 100, userRate: 3, commandRate: 2, now: 0)
    let remaining = (0..<3).map { _ in budget.take(ann, ownRate: nil, now: 0).user.remaining }
    #expect(remaining == [2, 1, 0])
    let refused = budget.take(ann, ownRate: nil, now: 0)
    #expect(refused.exceeded == .user)
    let other = budget.take(bob, ownRate: nil, now: 0)
    #expect(other.exceeded == nil)
    // What was refused cost nothing.
    #expect(other.all == .init(quota: 100, remaining: 96))
    let later = (0..<4).map { _ in budget.take(ann, ownRate: nil, now: 1).exceeded }
    #expect(later == [nil, nil, nil, .user])
  }

  @Test("All together are limited too, and nobody pays for what is refused")
  func all() {
    var budget = RequestBudget(rate: 4, userRate: 3, commandRate: 2, now: 0)
    for _ in 0..<3 { _ = budget.take(ann, ownRate: nil, now: 0) }
    let last = budget.take(bob, ownRate: nil, now: 0)
    #expect(last.exceeded == nil)
    let refused = budget.take(bob, ownRate: nil, now: 0)
    #expect(refused.exceeded == .all)
    #expect(refused.user.remaining == last.user.remaining)
  }

  @Test("A search counts for many requests, but never for more than a second's worth")
  func searches() {
    var budget = RequestBudget(rate: 1_000, userRate: 50, commandRate: 2, now: 0)
    let refusals = (0..<3).map { _ in budget.take(ann, ownRate: nil, cost: 20, now: 0).exceeded }
    #expect(refusals == [nil, nil, .user])
    #expect(budget.take(ann, ownRate: nil, now: 0).user.remaining == 9)
    #expect(budget.take(bob, ownRate: 5, cost: 20, now: 0).exceeded == nil)
    #expect(budget.take(bob, ownRate: 5, cost: 20, now: 0.9).exceeded == .user)
    #expect(budget.take(bob, ownRate: 5, cost: 20, now: 1).exceeded == nil)
  }

  @Test("An admin can stop others who take all there is")
  func admins() {
    var budget = RequestBudget(rate: 2, userRate: 3, commandRate: 2, now: 0)
    for _ in 0..<2 { _ = budget.take(ann, ownRate: nil, now: 0) }
    let admin = (0..<4).map { _ in budget.take(bob, ownRate: nil, isFirst: true, now: 0).exceeded }
    #expect(admin == [nil, nil, nil, .user])
  }

  @Test("A user's own limit counts instead of the general one, also from when it is changed")
  func own() {
    var budget = RequestBudget(rate: 100, userRate: 3, commandRate: 2, now: 0)
    let generous = (0..<11).map { _ in budget.take(ann, ownRate: 10, now: 0).exceeded }
    #expect(generous == Array(repeating: nil, count: 10) + [.user])
    let lowered = (0..<3).map { _ in budget.take(ann, ownRate: 2, now: 10) }
    #expect(lowered.map(\.exceeded) == [nil, nil, .user])
    #expect(lowered.allSatisfy { $0.user.quota == 2 })
  }

  @Test("In no second more than the limit and what was saved up for one second")
  func burst() {
    var budget = RequestBudget(rate: 1_000, userRate: 50, commandRate: 2, now: 0)
    var admitted = 0
    for step in 0..<3_000 where budget.take(ann, ownRate: nil, now: Double(step) / 1_000).exceeded == nil {
      admitted += 1
    }
    #expect((195...200).contains(admitted))
  }

  @Test("Users who have asked nothing lately take no memory")
  func memory() {
    var budget = RequestBudget(rate: 1_000_000, userRate: 3, commandRate: 2, now: 0)
    for index in 0..<5_000 { _ = budget.take(.timeOrdered(), ownRate: nil, now: Double(index)) }
    #expect(budget.knownUsers <= 1_024)
  }

  @Test("Commands have a limit of their own beside the requests, for each user")
  func commands() {
    var budget = RequestBudget(rate: 100, userRate: 50, commandRate: 2, now: 0)
    let admitted = (0..<3).map { _ in budget.takeCommand(ann, now: 0).isAdmitted }
    #expect(admitted == [true, true, false])
    let request = budget.take(ann, ownRate: nil, now: 0)
    #expect(request.exceeded == nil && request.user.remaining == 49, "a refused command costs no request")
    #expect(budget.takeCommand(bob, now: 0).isAdmitted)
    #expect(budget.takeCommand(ann, now: 0.5).isAdmitted)
    let late = budget.takeCommand(ann, now: 0.5)
    #expect(late.standing == .init(quota: 2, remaining: 0) && !late.isAdmitted)
  }
}
