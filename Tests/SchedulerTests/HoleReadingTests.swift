import Contracts
import Metering
import TestSupport
import Testing

@testable import Scheduler

@Suite("What a new leader reads beside its work")
struct HoleReadingTests {
  private let key = FlowKey(messageClass: .normal, userID: .timeOrdered())

  @Test("holes that are read in steps while the flow is served are the true ones", arguments: 0..<10)
  func holes(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    var number: Int64 = 7
    var spans: [HoleReading.Span] = []
    for _ in 0..<40 {
      number += Int64.random(in: 0...3, using: &random) == 0 ? Int64.random(in: 1...2000, using: &random) : 0
      let upper = number + Int64.random(in: 1...5, using: &random)
      spans.append(HoleReading.Span(firstNumber: number, lower: number, upper: upper))
      number = upper
    }
    var numbers = FlowNumbers(head: spans[0].lower, end: number, queuedEnd: number)
    var reading = HoleReading(
      TakeOver.Flow(
        key: key, id: 1, weight: 1, tags: [:], headNumber: spans[0].lower, endNumber: number, nextNumber: number,
        unloaded: 1))
    var waiting = spans.flatMap { Array($0.lower..<$0.upper) }
    while !reading.isDone {
      // Some are served between two steps, and one message in the midst is cancelled.
      for _ in 0..<Int.random(in: 0...4, using: &random) where waiting.count > 1 {
        let next = waiting.removeFirst()
        numbers.pass(next)
        let place = try #require(spans.firstIndex { $0.lower <= next && next < $0.upper })
        spans[place].lower = next + 1
        if spans[place].lower == spans[place].upper { spans.remove(at: place) }
      }
      if spans.count > 3, Bool.random(using: &random) {
        let gone = spans.remove(at: Int.random(in: 1..<spans.count - 1, using: &random))
        waiting.removeAll { $0 >= gone.lower && $0 < gone.upper }
        numbers.withdraw(gone.lower..<gone.upper, leavesNone: false)
      }
      let from = reading.nextFirst
      let found = reading.take(Array(spans.filter { $0.firstNumber >= from }.prefix(7)), limit: 7)
      numbers.learn(found.holes, within: found.numbers)
    }
    let last = try #require(waiting.last)
    let missing = Int(last + 1 - numbers.head) - waiting.count
    #expect(numbers.holes.total == missing)
  }

  @Test("a unit that came back in this term is not taken from a page once more")
  func known() {
    let unit = UnitID(messageID: .timeOrdered(), index: 0)
    let other = UnitID(messageID: .timeOrdered(), index: 1)
    let page = [unit, other].map { unit in
      OutcomeStore.Returned(
        unit: ReturnedUnit(unit: unit, expectedDispatch: 1, expectedState: .pending, nextDispatch: 1, segments: 1),
        flow: key)
    }
    var reading = ReturnReading()
    reading.note(unit)
    let fresh = reading.take(page, limit: 2)
    #expect(fresh.map(\.unit.unit) == [other] && reading.last == other && !reading.isDone)
    _ = reading.take([], limit: 2)
    #expect(reading.isDone)
  }
}
