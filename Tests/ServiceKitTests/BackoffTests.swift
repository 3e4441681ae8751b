import ServiceKit
import Testing

@Suite("A backoff")
struct BackoffTests {
  @Test("doubles its ceiling with each failure up to the maximum")
  func ceilingDoubles() {
    var backoff = Backoff(minimum: .milliseconds(100), maximum: .seconds(2))
    let longest = (0..<7).map { _ in backoff.next(random: 1) }
    #expect(
      longest == [
        .milliseconds(200), .milliseconds(400), .milliseconds(800), .milliseconds(1600), .seconds(2), .seconds(2),
        .seconds(2),
      ])
  }

  @Test("never waits less than the minimum nor more than the maximum")
  func staysWithinBounds() {
    var backoff = Backoff(minimum: .milliseconds(100), maximum: .seconds(2))
    #expect(backoff.next(random: 0) == .milliseconds(100))
    for _ in 0..<1000 { #expect((Duration.milliseconds(100) ... .seconds(2)).contains(backoff.next())) }
  }

  @Test("starts again from the minimum after a success")
  func resets() {
    var backoff = Backoff(minimum: .milliseconds(100), maximum: .seconds(2))
    for _ in 0..<5 { _ = backoff.next() }
    backoff.reset()
    #expect(backoff.next(random: 1) == .milliseconds(200))
    #expect(backoff.failures == 1)
  }
}
