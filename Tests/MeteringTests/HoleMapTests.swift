import Contracts
import TestSupport
import Testing

@testable import Metering

@Suite("Holes of a flow")
struct HoleMapTests {
  @Test("what is told of the holes gives every number its place", arguments: 0..<50)
  func exact(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    var map = HoleMap()
    var holes: Set<Int64> = []
    for _ in 0..<Int.random(in: 1...40, using: &random) {
      let lower = Int64.random(in: 100...5000, using: &random)
      let range = lower..<lower + Int64.random(in: 1...1500, using: &random)
      if Bool.random(using: &random) {
        map.add(range)
        holes.formUnion(range)
      } else {
        map.remove(range)
        holes.subtract(range)
      }
    }
    #expect(map.total == holes.count)
    let head = FlowHead(
      flowID: 1, messageClass: .normal, userID: .timeOrdered(), provider: nil, tag: 0, step: 1, backlog: 1,
      headNumber: 0, holes: map.counts)
    var expected = 0
    for number in Int64(0)..<7000 {
      #expect(head.holes(before: number) == expected)
      if holes.contains(number) { expected += 1 }
    }
  }

  @Test("a segment that is all holes is told by its count alone")
  func whole() {
    var map = HoleMap()
    map.add(0..<1030)
    #expect(
      map.counts == [HoleCount(segment: 0, count: 1024), HoleCount(segment: 1, count: 6, bits: "Pw==")])
    map.remove(0..<1030)
    #expect(map.isEmpty)
  }

  @Test("far from the head holes are counted, and spread evenly by the reader")
  func far() {
    var map = HoleMap()
    for segment in Int64(0)..<300 { map.add(segment * 1024..<segment * 1024 + 512) }
    let counts = map.counts
    #expect(counts.filter { $0.bits != nil }.map(\.segment) == Array(0..<256))
    let head = FlowHead(
      flowID: 1, messageClass: .normal, userID: .timeOrdered(), provider: nil, tag: 0, step: 1, backlog: 1,
      headNumber: 0, holes: counts)
    #expect(head.holes(before: 299 * 1024 + 256) == 299 * 512 + 128)
  }
}
