import Testing

@testable import Metering

@Suite("Pace of the queue")
struct QueuePaceTests {
  private func provider(rate: Double, full: Double? = nil, growth: Double = 0, start: Double = 0) -> QueuePace.Provider
  {
    QueuePace.Provider(number: 1, rate: rate, fullRate: full ?? rate, growth: growth, start: start)
  }

  @Test("one provider takes its rate from its start on")
  func one() {
    let pace = QueuePace(providers: [provider(rate: 2, start: 1)])
    #expect(pace.seconds(until: 10) == 6)
    #expect(QueuePace(providers: []).seconds(until: 1) == nil)
  }

  @Test("a provider whose gate is closed for long joins later")
  func late() {
    let pace = QueuePace(providers: [provider(rate: 2), provider(rate: 8, start: 10)])
    #expect(pace.seconds(until: 10) == 5)
    #expect(pace.seconds(until: 70) == 15)
  }

  @Test("a throttled provider comes back to its rate, and then stays there")
  func growing() throws {
    let pace = QueuePace(providers: [provider(rate: 1, full: 2, growth: 0.1)])
    // Ten seconds of growth take 15, the rest goes at 2 a second.
    let seconds = try #require(pace.seconds(until: 35))
    #expect(abs(seconds - 20) < 0.01)
    let early = try #require(pace.seconds(until: pace.count(in: 4)))
    #expect(abs(early - 4) < 0.01)
  }

  @Test("the global rate holds all of them back")
  func global() {
    let pace = QueuePace(providers: [provider(rate: 50), provider(rate: 50)], globalRate: 20)
    #expect(pace.seconds(until: 100) == 5)
    #expect(pace.rate == 20)
  }
}
