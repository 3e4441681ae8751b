import TestSupport
import Testing

@testable import AMQP

@Suite struct ThroughputTests {
  @Test("100,000 messages go through, each confirmed and each received", .timeLimit(.minutes(3)))
  func hundredThousand() async throws {
    let (total, callers) = (100_000, 64)
    try await withVirtualHost { host in
      try await host.declareQueue("q")
      let (publisher, consumer) = (try host.publisher(), try host.consumer(.init(queue: "q", prefetch: 1000)))
      let received = Received()
      try await withRunning(publisher) {
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
          for caller in 0..<callers {
            group.addTask {
              for number in stride(from: caller, to: total, by: callers) {
                try await publisher.publish(numbered(number), exchange: "", routingKey: "q")
              }
            }
          }
          try await group.waitForAll()
        }
        report("published", total, start.duration(to: .now))
      }
      try await withRunning(consumer) {
        let start = ContinuousClock.now
        let collecting = Task { await received.collect(from: consumer) }
        try await eventually(within: .seconds(60), "all are received") { received.total >= total }
        report("consumed", total, start.duration(to: .now))
        collecting.cancel()
      }
      #expect(received.numbers.count == total)
      #expect(received.total == total)
    }
  }

  private func report(_ what: String, _ count: Int, _ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    let rate = Double(count) / (Double(seconds) + Double(attoseconds) / 1e18)
    print("\(what): \(Int(rate)) messages a second")
  }
}
