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
