import TestSupport
import Testing

@testable import Metering

@Suite("Bucket, credit, rotation, backoff")
struct PolicyTests {
  @Test("the bucket holds at most one window's tokens and refills evenly")
  func bucket() {
    var bucket = TokenBucket(count: 2, window: 1, startsFull: false, now: 0)
    #expect(bucket.available(1, now: 0) == 0.5)
    let taken = [(1.0, 0.0), (1, 0.5), (1, 0.9), (2, 100), (1, 100)].map { bucket.take($0.0, now: $0.1) }
    #expect(taken == [false, true, false, true, false])
  }

  @Test("over any stretch no more than one bucket and the rate are taken")
  func bucketNeverExceeds() {
    var bucket = TokenBucket(count: 5, window: 2, startsFull: true, now: 0)
    var taken = 0
    for step in 0...10_000 where bucket.take(1, now: Double(step) / 1000) { taken += 1 }
    #expect(taken == 5 + 25)
  }

  @Test("a cost above the window goes alone")
  func largeCost() {
    var bucket = TokenBucket(count: 2, window: 1, startsFull: true, now: 0)
    let taken = [bucket.take(7, now: 0), bucket.take(1, now: 0)]
    #expect(taken == [true, false])
  }

  @Test("tokens that were not used come back, up to the most")
  func returnedTokens() {
    var bucket = TokenBucket(count: 2, window: 1, startsFull: true, now: 0)
    let first = bucket.take(2, now: 0)
    bucket.giveBack(2)
    bucket.giveBack(2)
    let taken = [first, bucket.take(2, now: 0), bucket.take(1, now: 0)]
    #expect(taken == [true, true, false])
  }

  @Test("the clock may step back without freezing or filling the bucket")
  func clockStep() {
    var bucket = TokenBucket(count: 2, window: 1, startsFull: true, now: 1000)
    let taken = [(2.0, 1000.0), (1, 10), (1, 10.4), (1, 10.5)].map { bucket.take($0.0, now: $0.1) }
    #expect(taken == [true, false, false, true])
  }

  @Test("credit is two at 2/s, and grows with rate and latency")
  func credit() {
    var credit = SendCredit()
    #expect(credit.room(rate: 2) == 2)
    #expect(credit.room(rate: 50) == 13)
    credit.issue(2)
    #expect(credit.room(rate: 2) == 0)
    credit.settle(1)
    #expect(credit.room(rate: 2) == 1)
    for _ in 0..<200 { credit.learn(latency: 2) }
    #expect(credit.limit(rate: 2) == 5)
  }

  @Test("however slowly a provider answers, its credit stays bounded")
  func boundedCredit() {
    var credit = SendCredit()
    for _ in 0..<200 { credit.learn(latency: 30) }
    #expect(credit.limit(rate: 50) <= 263)
  }

  @Test("rotation gives each its share, evenly spread")
  func rotation() {
    var rotation = ProviderRotation()
    let picks = (0..<7).compactMap { _ in rotation.pick(among: [("a", 5), ("b", 1), ("c", 1)]) }
    #expect(picks == ["a", "a", "b", "a", "c", "a", "a"])
    let none = rotation.pick(among: [])
    #expect(none == nil)
  }

  @Test("backoff doubles to its cap, with full jitter, and ends with the attempts")
  func backoff() {
    let backoff = RetryBackoff(maxAttempts: 5, base: 2, cap: 10)
    #expect((1...5).map { backoff.delay(afterAttempts: $0, random: 1) } == [2, 4, 8, 10, nil])
    #expect(backoff.delay(afterAttempts: 3, random: 0) == 0)
    #expect(backoff.delay(afterAttempts: 3, random: 0.5) == 4)
  }

  @Test("whenever the bucket says that a token is there it can be taken, on the clock's grid")
  func agreement() {
    var random = SeededGenerator(seed: 3)
    for rate in [0.1, 2, 25, 50, 197] {
      var now = 1_790_000_000.0
      var bucket = TokenBucket(
        count: max(1, rate), window: max(1, rate) / rate, burst: 1 + rate * 0.05, startsFull: false, now: now)
      var disagreements = 0
      for _ in 0..<20_000 {
        let opening = bucket.available(1, now: now)
        if opening <= now {
          if !bucket.take(1, now: now) { disagreements += 1 }
        }
        let step = Bool.random(using: &random) ? opening - now : Double.random(in: 0...0.02, using: &random)
        now = ((now + max(0.000_001, step)) * 1_000_000).rounded(.up) / 1_000_000
      }
      #expect(disagreements == 0, "at \(rate)/s")
    }
  }

  @Test("a rate below one a second is kept")
  func rare() {
    var bucket = TokenBucket(count: 1, window: 10, burst: 1.005, startsFull: false, now: 0)
    var taken = 0
    for second in 0..<1000 where bucket.take(1, now: Double(second)) { taken += 1 }
    #expect((99...100).contains(taken))
  }
}
