import Contracts
import HeapModule
import Metering

/// Units in backoff, the next due first. No task sleeps for one; the loop asks.
struct DueTimes: Sendable {
  private struct Entry: Comparable, Sendable {
    var dueAt: Timestamp
    var unit: ReturnedUnit
    var flow: FlowKey

    static func < (left: Entry, right: Entry) -> Bool { left.dueAt < right.dueAt }
    static func == (left: Entry, right: Entry) -> Bool { left.dueAt == right.dueAt }
  }

  private var heap = Heap<Entry>()
  /// The units in backoff, with the dispatch that they wait for: what is not here was withdrawn.
  private var live: [UnitID: Int] = [:]

  mutating func add(_ unit: ReturnedUnit, flow: FlowKey, dueAt: Timestamp) {
    live[unit.unit] = unit.nextDispatch
    heap.insert(Entry(dueAt: dueAt, unit: unit, flow: flow))
  }

  /// Takes a unit out that waits no longer: cancelled, expired or paused.
  mutating func withdraw(_ unit: UnitID) { live[unit] = nil }

  /// When the next one is due.
  var next: Timestamp? { heap.min?.dueAt }

  /// Takes all that are due.
  mutating func takeDue(now: Timestamp) -> [(unit: ReturnedUnit, flow: FlowKey)] {
    var due: [(ReturnedUnit, FlowKey)] = []
    while let first = heap.min, first.dueAt <= now {
      heap.removeMin()
      guard live[first.unit.unit] == first.unit.nextDispatch else { continue }
      live[first.unit.unit] = nil
      due.append((first.unit, first.flow))
    }
    return due
  }
}
