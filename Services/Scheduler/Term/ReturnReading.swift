import Contracts

/// The reading of what came back before this term, a page at a time, while the queue is at work already. Pure.
struct ReturnReading: Sendable {
  /// Units that are read at once.
  static let pageSize = 2000

  /// The last unit that was read.
  private(set) var last: UnitID?
  private(set) var isDone = false
  /// Units that have come back in this term: the pages hold them, too.
  private var known: Set<UnitID> = []

  /// Takes note of a unit that is in memory by another way.
  mutating func note(_ unit: UnitID) {
    if !isDone { known.insert(unit) }
  }

  /// Takes in the next page.
  /// - Parameter limit: How many were asked for: with fewer the reading is over.
  /// - Returns: Those that memory does not have.
  mutating func take(
    _ page: [OutcomeStore.Returned], limit: Int = Self.pageSize
  ) -> [OutcomeStore.Returned] {
    let fresh = page.filter { !known.contains($0.unit.unit) }
    last = page.last?.unit.unit ?? last
    isDone = page.count < limit
    if isDone { known = [] }
    return fresh
  }
}
