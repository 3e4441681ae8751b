import Contracts
import Testing

@testable import APIGateway

@Suite("The pace of streams")
struct StreamPaceTests {
  private let start = ContinuousClock.now

  private func pace() -> ReloadPace {
    ReloadPace(delay: .seconds(1), firstPause: .seconds(5), lastPause: .seconds(60))
  }

  @Test("Streams look at what they missed a moment later, each at its own time")
  func spread() {
    for (chance, after) in [(0.0, 1.0), (0.5, 2), (1, 3)] {
      var pace = pace()
      pace.miss(now: start, chance: chance)
      pace.miss(now: start + .milliseconds(900), chance: chance)
      #expect(pace.due == start + .seconds(after))
      #expect(!pace.isDue(now: start + .seconds(after - 0.1)) && pace.isDue(now: start + .seconds(after)))
    }
  }

  @Test("The pause between two loads doubles up to a minute, and is short again after a quiet time")
  func growth() {
    var pace = pace()
    var now = start
    var pauses: [Double] = []
    for _ in 0..<7 {
      pace.miss(now: now, chance: 0)
      let due = pace.due ?? now
      pauses.append((due - now) / .seconds(1))
      now = due
      pace.load(now: now)
    }
    #expect(pauses == [1, 5, 10, 20, 40, 60, 60])
    pace.miss(now: now, chance: 1)
    #expect(pace.due == now + .seconds(90))
    pace.settle()
    now += .seconds(121)
    pace.miss(now: now, chance: 0)
    #expect(pace.due == now + .seconds(1))
    pace.load(now: now)
    pace.miss(now: now, chance: 0)
    #expect(pace.due == now + .seconds(5))
  }

  @Test("A load that would be in vain is put off, however often, and the pause does not grow by that")
  func postponed() {
    var pace = pace()
    var now = start
    pace.miss(now: now, chance: 0)
    for _ in 0..<100 {
      now += .seconds(1)
      pace.postpone(now: now, chance: 0)
      #expect(!pace.isDue(now: now) && pace.isDue(now: now + .seconds(1)))
    }
    pace.load(now: now)
    #expect(pace.due == nil)
    pace.miss(now: now, chance: 0)
    #expect(pace.due == now + .seconds(5))
  }

  @Test("A client that gets ahead is waited for, from then on, however old its stream is")
  func lead() {
    var lead = StreamLead(limit: 100, time: .seconds(10))
    let late = start + .seconds(3_600)
    let cases: [(place: UInt64, next: UInt64, after: Int, isTooFar: Bool)] = [
      (5, 5, 0, false), (8, 5, 3_600, false), (8, 6, 3_609, false), (8, 8, 3_611, false), (9, 8, 3_612, false),
      (9, 8, 3_623, true),
    ]
    for entry in cases {
      let isTooFar = lead.isTooFar(entry.place, ahead: entry.next, now: start + .seconds(entry.after))
      #expect(isTooFar == entry.isTooFar, "\(entry)")
    }
    var far = StreamLead(limit: 100, time: .seconds(10))
    let isTooFar = far.isTooFar(200, ahead: 99, now: late)
    #expect(isTooFar)
  }

  @Test("A stream knows of what it could not show whether it may have been its user's")
  func missed() {
    let (user, other) = (UserID.timeOrdered(), UserID.timeOrdered())
    let (one, two) = (MessageID.timeOrdered(), MessageID.timeOrdered())
    var view = StreamView(user: user, isAdmin: false)
    var bytes: [UInt8] = []
    func fact(_ id: MessageID) -> LiveFact {
      LiveFact(offset: 7, events: [LiveEvent(name: "units", audience: .unknown, messageID: id, data: [])])
    }
    for id in [one, two, one] { _ = view.write(fact(id), to: &bytes) }
    #expect(bytes.isEmpty && view.missed == [one, two])
    #expect(view.mayHaveMissed(knowing: [:]) && view.mayHaveMissed(knowing: [one: other]))
    #expect(view.mayHaveMissed(knowing: [one: other, two: user]))
    #expect(!view.mayHaveMissed(knowing: [one: other, two: other]))
    view.missNothing()
    #expect(!view.hasMissed)
    let many = (0..<1_000).map { _ in MessageID.timeOrdered() }
    for id in many { _ = view.write(fact(id), to: &bytes) }
    #expect(view.missed.count < 1_000)
    let all = Dictionary(uniqueKeysWithValues: many.map { ($0, other) })
    #expect(view.mayHaveMissed(knowing: all), "not all of them are remembered")
    var admin = StreamView(user: user, isAdmin: true)
    _ = admin.write(fact(one), to: &bytes)
    #expect(!admin.hasMissed)
  }
}
