import Contracts
import Foundation
import Metering
import TestSupport
import Testing

@testable import Scheduler

@Suite("Numbers of a flow")
struct FlowNumbersTests {
  /// Holes by hand: every number from the head to the last waiting one that nobody waits for.
  private func holes(_ waiting: Set<Int64>, from head: Int64) -> [HoleCount] {
    guard let last = waiting.max(), head <= last else { return [] }
    let missing = (head...last).filter { !waiting.contains($0) }
    return Dictionary(grouping: missing) { $0 / HoleCount.segmentSize }.sorted { $0.key < $1.key }
      .map { HoleCount(segment: $0.key, count: $0.value.count) }
  }

  @Test("holes are counted as by hand, whatever is admitted, withdrawn and served", arguments: 0..<12)
  func property(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    var numbers = FlowNumbers()
    var waiting: Set<Int64> = []
    var set: [Range<Int64>] = []
    var apart: [Range<Int64>] = []
    var next: Int64 = 0
    for _ in 0..<200 {
      switch Int.random(in: 0..<5, using: &random) {
      case 0:
        let range = next..<next + Int64.random(in: 1...900, using: &random)
        next = range.upperBound
        if Bool.random(using: &random) {
          numbers.admit(range, isOnly: waiting.isEmpty)
          waiting.formUnion(range)
          set.append(range)
        } else {
          apart.append(range)
        }
      case 1 where !apart.isEmpty:
        let range = apart.remove(at: Int.random(in: apart.indices, using: &random))
        numbers.admit(range, isOnly: waiting.isEmpty)
        waiting.formUnion(range)
        set.append(range)
      case 2 where !set.isEmpty:
        let range = set.remove(at: Int.random(in: set.indices, using: &random))
        let left = range.filter { waiting.contains($0) }
        guard let first = left.first else { continue }
        waiting.subtract(left)
        numbers.withdraw(first..<range.upperBound, leavesNone: waiting.isEmpty)
        apart.append(first..<range.upperBound)
      default:
        for _ in 0..<Int.random(in: 0...400, using: &random) {
          guard let number = waiting.min() else { break }
          waiting.remove(number)
          numbers.pass(number)
        }
      }
      if let first = waiting.min() {
        #expect(numbers.head <= first)
        // What lies past the last one that waits is nobody's business.
        let known = numbers.holes.total
        let expected = holes(waiting, from: numbers.head).reduce(0) { $0 + $1.count }
        let beyond = Int(numbers.end - (waiting.max() ?? 0) - 1)
        #expect(known == expected + beyond)
      }
    }
  }

  @Test("a segment that is holes in part tells which, one that is all holes does not")
  func segments() {
    var numbers = FlowNumbers()
    numbers.admit(0..<5000, isOnly: true)
    numbers.withdraw(1000..<3000, leavesNone: false)
    #expect(
      numbers.holes.counts == [
        HoleCount(segment: 0, count: 24, bits: bits(1000..<1024)), HoleCount(segment: 1, count: 1024),
        HoleCount(segment: 2, count: 952, bits: bits(0..<952)),
      ])
    numbers.admit(1000..<3000, isOnly: false)
    #expect(numbers.holes.isEmpty)
  }

  /// In base64, the first number in the lowest bit of the first byte.
  private func bits(_ places: Range<Int>) -> String {
    var bytes = [UInt8](repeating: 0, count: (places.upperBound + 7) / 8)
    for place in places { bytes[place / 8] |= 1 << UInt8(place % 8) }
    return Data(bytes).base64EncodedString()
  }
}
