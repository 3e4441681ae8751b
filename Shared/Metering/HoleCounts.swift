import Contracts

/// How many numbers of a flow nobody waits for, per segment of 1,024 numbers, from the flow's head on.
///
/// Holes are counted, not listed, so that a million cancelled messages cost a thousand entries.
public struct HoleCounts: Sendable, Hashable {
  private var counts: [Int64: Int] = [:]

  public init() {}

  public var isEmpty: Bool { counts.isEmpty }

  /// Holes in all.
  public var total: Int { counts.values.reduce(0, +) }

  /// By segment, in order.
  public var segments: [HoleCount] {
    counts.sorted { $0.key < $1.key }.map { HoleCount(segment: $0.key, count: $0.value) }
  }

  public mutating func add(_ numbers: Range<Int64>) { change(numbers, by: 1) }

  /// Numbers that are no holes any more: they wait again, or the head has passed them.
  public mutating func remove(_ numbers: Range<Int64>) { change(numbers, by: -1) }

  public mutating func removeAll() { counts.removeAll() }

  private mutating func change(_ numbers: Range<Int64>, by sign: Int) {
    var lower = numbers.lowerBound
    while lower < numbers.upperBound {
      let segment = lower / HoleCount.segmentSize
      let upper = min(numbers.upperBound, (segment + 1) * HoleCount.segmentSize)
      let count = counts[segment, default: 0] + sign * Int(upper - lower)
      counts[segment] = count > 0 ? count : nil
      lower = upper
    }
  }
}
