import Contracts
import TestSupport
import Testing

@testable import APIGateway

@Suite("Listeners of the live feed")
struct ListenerIndexTests {
  private let users = (0..<4).map { _ in UserID.timeOrdered() }
  private let messages = (0..<4).map { _ in MessageID.timeOrdered() }

  private func view(_ random: inout SeededGenerator) -> StreamView {
    StreamView(
      user: users.randomElement(using: &random) ?? users[0], isAdmin: Int.random(in: 0..<4, using: &random) == 0,
      messageID: Bool.random(using: &random) ? messages.randomElement(using: &random) : nil)
  }

  private func fact(_ random: inout SeededGenerator) -> LiveFact {
    let events = (0..<Int.random(in: 0...2, using: &random)).map { _ in
      let audience: Audience =
        switch Int.random(in: 0..<10, using: &random) {
        case 0: .everybody
        case 1: .admins
        case 2: .unknown
        default: .user(users.randomElement(using: &random) ?? users[0])
        }
      return LiveEvent(
        name: "x", audience: audience,
        messageID: Int.random(in: 0..<3, using: &random) == 0 ? nil : messages.randomElement(using: &random), data: [])
    }
    return LiveFact(offset: 1, events: events)
  }

  @Test("are found for the same facts as if each had been asked", arguments: 1...20 as ClosedRange<UInt64>)
  func same(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var index = ListenerIndex()
    var views: [UInt64: StreamView] = [:]
    for step in 0..<300 as Range<UInt64> {
      switch Int.random(in: 0..<4, using: &random) {
      case 0:
        let watched = view(&random)
        index.add(step, watched)
        views[step] = watched
      case 1:
        if let id = views.keys.sorted().randomElement(using: &random) {
          index.remove(id)
          views[id] = nil
        }
      default:
        let facts = (0..<Int.random(in: 0...3, using: &random)).map { _ in fact(&random) }
        let expected = views.filter { entry in facts.contains { entry.value.concerns($0) } }.keys
        #expect(index.concerned(by: facts) == Set(expected))
      }
    }
  }

  @Test("A user may have the log read once in a while, and only a few may at once")
  func catchUps() {
    var slots = CatchUpSlots(limit: 2, pause: .seconds(60))
    let now = ContinuousClock.now
    func begin(_ user: Int, at seconds: Int) -> Bool { slots.begin(users[user], now: now + .seconds(seconds)) }
    #expect(begin(0, at: 0))
    #expect(!begin(0, at: 1))
    #expect(begin(1, at: 1))
    #expect(!begin(2, at: 2), "two are at it")
    slots.end()
    #expect(begin(2, at: 2), "a refusal costs nothing")
    slots.end()
    #expect(!begin(0, at: 59))
    #expect(begin(0, at: 60))
  }
}
