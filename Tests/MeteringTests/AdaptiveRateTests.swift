import Metering
import Testing

@Suite("Adaptive rate")
struct AdaptiveRateTests {
  @Test("throttling halves once an episode: what was begun before does not halve again")
  func episode() {
    var rate = AdaptiveRate(nominal: 50)
    let first = rate.throttled(startedAt: 9.9, isRepeat: false, now: 10)
    let same = rate.throttled(startedAt: 9.95, isRepeat: false, now: 10.1)
    #expect(first && !same)
    #expect(rate.rate(now: 10.1) == 25)
    let second = rate.throttled(startedAt: 10.2, isRepeat: false, now: 10.3)
    #expect(second && rate.rate(now: 10.3) == 12.5)
  }

  @Test("5 % of the nominal rate come back every 30 s, never more than all of it, never less than 0.1/s")
  func recovery() {
    var rate = AdaptiveRate(nominal: 2)
    for step in 0..<20 { _ = rate.throttled(startedAt: Double(step), isRepeat: false, now: Double(step) + 0.5) }
    #expect(rate.rate(now: 19.5) == 0.1)
    #expect(abs(rate.rate(now: 19.5 + 30) - 0.2) < 1e-9)
    #expect(abs(rate.rate(now: 19.5 + 95) - 0.4) < 1e-9)
    #expect(rate.rate(now: 19.5 + 3600) == 2)
  }

  @Test("a number that is always throttled slows nobody down once others get through")
  func badNumber() {
    var rate = AdaptiveRate(nominal: 2)
    _ = rate.throttled(startedAt: 0, isRepeat: false, now: 1)
    rate.accepted(startedAt: 2)
    let again = rate.throttled(startedAt: 3, isRepeat: true, now: 4)
    #expect(!again && rate.rate(now: 4) == 1)
  }

  @Test("when nobody gets through, a repeat halves as well")
  func everybody() {
    var rate = AdaptiveRate(nominal: 2)
    _ = rate.throttled(startedAt: 0, isRepeat: false, now: 1)
    let again = rate.throttled(startedAt: 3, isRepeat: true, now: 4)
    #expect(again && rate.rate(now: 4) == 0.5)
  }
}
