import Contracts

/// Which numbers of a flow nobody waits for, by segments of 1,024 numbers, from the flow's head on.
///
/// A segment costs 128 bytes however its holes lie, so a million cancelled messages cost a thousand segments.
public struct HoleMap: Sendable, Hashable {
  /// Segments that are holes in part and told bit by bit; those behind are far from being served, and counted.
  static let exactSegments = 256

  private var segments: [Int64: HoleBits] = [:]

  public init() {}

  public var isEmpty: Bool { segments.isEmpty }

  /// Holes in all.
  public var total: Int { segments.values.reduce(0) { $0 + $1.count } }

  /// As the flow heads tell them, in order.
  public var counts: [HoleCount] {
    var left = Self.exactSegments
    return segments.sorted { $0.key < $1.key }.map { segment, bits in
      guard bits.count < HoleCount.segmentSize, left > 0 else { return HoleCount(segment: segment, count: bits.count) }
      left -= 1
      return HoleCount(segment: segment, count: bits.count, bits: bits.base64)
    }
  }

  public mutating func add(_ numbers: Range<Int64>) { change(numbers) { $0.formUnion($1) } }

  /// Numbers that are no holes any more: they wait again, or the head has passed them.
  public mutating func remove(_ numbers: Range<Int64>) { change(numbers) { $0.subtract($1) } }

  public mutating func removeAll() { segments.removeAll() }

  private mutating func change(_ numbers: Range<Int64>, _ change: (inout HoleBits, HoleBits) -> Void) {
    var lower = numbers.lowerBound
    while lower < numbers.upperBound {
      let segment = lower / HoleCount.segmentSize
      let start = segment * HoleCount.segmentSize
      let upper = min(numbers.upperBound, start + HoleCount.segmentSize)
      var bits = segments[segment] ?? HoleBits()
      change(&bits, HoleBits(Int(lower - start)..<Int(upper - start)))
      segments[segment] = bits.isEmpty ? nil : bits
      lower = upper
    }
  }
}
