import TestSupport
import Testing

@testable import AMQP

/// Nothing listens on port 1 of loopback.
@Suite struct PublisherWithoutBrokerTests {
  private func publisher() throws -> AMQPPublisher {
    AMQPPublisher(configuration: try AMQPConfiguration(url: "amqp://127.0.0.1:1"), logger: quiet)
  }

  @Test("A publish with a time-out ends in time", arguments: [true, false])
  func timeout(isRunning: Bool) async throws {
    let publisher = try publisher()
    let running = Task { if isRunning { try await publisher.run() } }
    let start = ContinuousClock.now
    let error = await #expect(throws: PublishError.self) {
      try await publisher.publish(numbered(1), exchange: "", routingKey: "q", timeout: .milliseconds(300))
    }
    #expect(error?.code == .timedOut && error?.mayHaveArrived == false)
    #expect(start.duration(to: .now) < .seconds(2))
    #expect(!publisher.isReady)
    running.cancel()
    try await running.value
  }

  @Test("Each of several time-outs holds, the shorter one set later too")
  func timeouts() async throws {
    let publisher = try publisher()
    let start = ContinuousClock.now
    let ended = await withTaskGroup(of: (Int, Duration).self) { group in
      for limit in [600, 300, 100] {
        group.addTask {
          // Every one of them fails; when, is what counts.
          try? await publisher.publish(
            numbered(1), exchange: "", routingKey: "q", timeout: .milliseconds(limit))
          return (limit, start.duration(to: .now))
        }
      }
      return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    for (limit, duration) in ended {
      #expect(duration >= .milliseconds(limit) && duration < .milliseconds(limit + 1500))
    }
  }

  @Test("A cancelled publish ends at once")
  func cancelled() async throws {
    let publisher = try publisher()
    let publishing = Task { try await publisher.publish(numbered(1), exchange: "", routingKey: "q") }
    publishing.cancel()
    await #expect(throws: CancellationError.self) { try await publishing.value }
  }

  @Test("The end of the publisher answers everybody")
  func end() async throws {
    let publisher = try publisher()
    let running = Task { try await publisher.run() }
    let publishing = Task { try await publisher.publish(numbered(1), exchange: "", routingKey: "q") }
    running.cancel()
    try await running.value
    let error = await #expect(throws: PublishError.self) { try await publishing.value }
    #expect(error?.code == .closed)
  }

  @Test("The next host is tried when one does not answer", .timeLimit(.minutes(1)))
  func hosts() async throws {
    try await withVirtualHost { host in
      try await host.declareQueue("q")
      var configuration = try host.configuration()
      configuration.hosts.insert(
        contentsOf: [.init(name: "127.0.0.1", port: 1), .init(name: "no-such-host.invalid")], at: 0)
      let publisher = AMQPPublisher(configuration: configuration, logger: quiet)
      try await withRunning(publisher) {
        try await publisher.publish(numbered(1), exchange: "", routingKey: "q", timeout: .seconds(20))
      }
    }
  }
}
