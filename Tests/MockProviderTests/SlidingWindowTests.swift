import Testing

@testable import MockProvider

@Suite struct SlidingWindowTests {
  private let second: Int64 = 1_000_000_000

  @Test("An arrival exactly one window after another is in a window of its own")
  func border() {
    var window = SlidingWindow(lengthNs: second)
    let counts = [0, second - 1, second, 2 * second - 1].map { window.arrive(at: $0) }
    #expect(counts == [1, 2, 2, 2])
    #expect(window.highest == 2)
  }

  @Test("It finds the same violations as a comparison of all pairs")
  func bruteForce() {
    var random = RandomDraw(seed: 7)
    for limit in 1...4 {
      var window = SlidingWindow(lengthNs: second)
      var times: [Int64] = []
      var now: Int64 = 0
      for _ in 0..<2000 {
        now += Int64(random.next() * 2 * Double(second) / Double(limit))
        times.append(now)
        let isOver = window.arrive(at: now) > limit
        let isOverByPairs = times.count > limit && now - times[times.count - 1 - limit] < second
        #expect(isOver == isOverByPairs)
      }
    }
  }
}
