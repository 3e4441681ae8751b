import Metering
import Testing

@Suite("Provider health")
struct ProviderHealthTests {
  private let rules = ProviderHealth.Rules(window: 300, failureRate: 0.7, minSamples: 10, cooldown: 300)

  private func note(_ health: inout ProviderHealth, _ outcomes: [Bool], from start: Double) {
    for (place, isSuccess) in outcomes.enumerated() {
      _ = health.note(isSuccess: isSuccess, now: start + Double(place))
    }
  }

  @Test("unhealthy above 70 % failures of at least ten, not before, not at 70 %")
  func threshold() {
    var health = ProviderHealth(rules: rules)
    note(&health, Array(repeating: false, count: 9), from: 0)
    #expect(health.state(now: 9) == .healthy)
    note(&health, [false], from: 9)
    #expect(health.state(now: 10) == .unhealthy(until: 309))
    var other = ProviderHealth(rules: rules)
    note(&other, [true, true, true] + Array(repeating: false, count: 7), from: 0)
    #expect(other.state(now: 10) == .healthy)
  }

  @Test("failures older than the window are forgotten")
  func window() {
    var health = ProviderHealth(rules: rules)
    note(&health, Array(repeating: false, count: 9), from: 0)
    note(&health, [false], from: 400)
    #expect(health.state(now: 401) == .healthy)
    let figures = health.figures(now: 401)
    #expect(figures.failures == 1 && figures.successes == 0)
  }

  @Test("after the pause it is probed until one succeeds, and starts with a clean window")
  func probing() {
    var health = ProviderHealth(rules: rules)
    note(&health, Array(repeating: false, count: 10), from: 0)
    #expect(health.state(now: 308) == .unhealthy(until: 309))
    #expect(health.state(now: 309) == .probing)
    _ = health.note(isSuccess: false, now: 310)
    #expect(health.state(now: 311) == .unhealthy(until: 320), "the next probe follows soon, not at once")
    #expect(health.state(now: 320) == .probing)
    let changed = health.note(isSuccess: true, now: 321)
    #expect(changed && health.state(now: 322) == .healthy)
    let figures = health.figures(now: 322)
    #expect(figures.failures == 0)
  }

  @Test("what was under way when it went out changes nothing")
  func late() {
    var health = ProviderHealth(rules: rules)
    note(&health, Array(repeating: false, count: 10), from: 0)
    let changed = health.note(isSuccess: true, now: 20)
    #expect(!changed && health.state(now: 20) == .unhealthy(until: 309))
  }

  @Test("a run of failures ends a provider's health however much went well before, and the first probe comes soon")
  func run() {
    var health = ProviderHealth(rules: rules)
    for second in 0..<290 { _ = health.note(isSuccess: true, now: Double(second)) }
    for _ in 0..<13 { _ = health.note(isSuccess: false, credit: 14, now: 290) }
    #expect(health.state(now: 290) == .healthy, "all that was under way may have been lost at once")
    let changed = health.note(isSuccess: false, credit: 14, now: 290)
    #expect(changed && health.state(now: 290) == .unhealthy(until: 300))
    var other = ProviderHealth(rules: rules)
    for second in 0..<100 { _ = other.note(isSuccess: second % 10 == 9, now: Double(second)) }
    #expect(other.state(now: 100) != .healthy, "more than 70 % fail all the same")
    var mixed = ProviderHealth(rules: rules)
    for second in 0..<200 { _ = mixed.note(isSuccess: second % 3 == 0, now: Double(second)) }
    #expect(mixed.state(now: 200) == .healthy)
  }

  @Test("probes that were written and failed come ever more rarely, those that were not go on as they are")
  func probes() {
    var written = ProviderHealth(rules: rules)
    note(&written, Array(repeating: false, count: 10), from: 0)
    var waits: [Double] = []
    var now = 309.0
    for _ in 0..<7 {
      _ = written.note(isSuccess: false, now: now)
      guard case .unhealthy(let until) = written.state(now: now) else { break }
      waits.append(until - now)
      now = until
    }
    #expect(waits == [10, 20, 40, 80, 160, 300, 300])
    var unsent = ProviderHealth(rules: rules)
    for _ in 0..<10 { _ = unsent.note(isSuccess: false, isUnsent: true, now: 0) }
    #expect(unsent.state(now: 0) == .unhealthy(until: 10), "it cannot be reached: probes cost nothing")
    for probe in 1...5 { _ = unsent.note(isSuccess: false, isUnsent: true, now: Double(probe) * 10) }
    #expect(unsent.state(now: 50) == .unhealthy(until: 60))
  }
}
