import Contracts
import Metering

/// The search for the holes of one flow, a stretch of messages at a time: there may be millions. Pure.
struct HoleReading: Sendable {
  /// A message that waits.
  struct Span: Sendable, Hashable {
    var firstNumber: Int64
    /// The number of its first unit that waits.
    var lower: Int64
    /// Past its last number.
    var upper: Int64
  }

  /// What one step has found.
  struct Found: Sendable, Hashable {
    /// The numbers that were gone through.
    var numbers: Range<Int64>
    /// Those among them that nobody waits for.
    var holes: [Range<Int64>] = []
  }

  let key: FlowKey
  let flowID: Int64
  /// The next messages are those whose first number is not below this.
  private(set) var nextFirst: Int64 = 0
  private(set) var isDone = false
  /// All numbers before this one have been gone through.
  private var place: Int64

  init(_ flow: TakeOver.Flow) {
    key = flow.key
    flowID = flow.id
    place = flow.headNumber
  }

  /// Takes in the next messages that wait, in order.
  /// - Parameter limit: How many were asked for: with fewer the search is over.
  mutating func take(_ spans: [Span], limit: Int) -> Found {
    isDone = spans.count < limit
    let start = place
    var holes: [Range<Int64>] = []
    for span in spans {
      if span.lower > place { holes.append(place..<span.lower) }
      place = max(place, span.upper)
      nextFirst = span.firstNumber + 1
    }
    return Found(numbers: start..<place, holes: holes)
  }
}

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
