import ServiceLifecycle
import TestSupport
import Testing

@testable import AMQP

@Suite struct PublisherTests {
  @Test("A message arrives whole, with all its properties", .timeLimit(.minutes(1)))
  func properties() async throws {
    try await withVirtualHost { host in
      try await host.declareQueue("q")
      try await host.declareExchange("x")
      try await host.bind("q", to: "x", key: "a.*")
      let (publisher, consumer) = (try host.publisher(), try host.consumer(.init(queue: "q", prefetch: 10)))
      let headers: [String: AMQPValue] = [
        "text": "größe", "int": -7, "flag": true, "double": .double(1.5), "bytes": .bytes([0, 255]), "none": .null,
        "when": .timestamp(1_700_000_000), "list": .array([1, "two"]), "table": .table(["inner": .table([:])]),
      ]
      var message = AMQPMessage(body: [0, 1, 255], messageID: "id-1", type: "test.fact", headers: headers)
      message.timestamp = 1_700_000_001
      try await withRunning(publisher, consumer) {
        try await publisher.publish(message, exchange: "x", routingKey: "a.b")
        let delivery = try #require(try await consumer.take(1).first)
        #expect(delivery.queue == "q" && delivery.exchange == "x" && delivery.routingKey == "a.b")
        #expect(delivery.body == [0, 1, 255])
        #expect(delivery.messageID == "id-1" && delivery.type == "test.fact")
        #expect(delivery.contentType == "application/json" && delivery.timestamp == 1_700_000_001)
        #expect(delivery.headers == headers)
        #expect(!delivery.redelivered && delivery.deliveryCount == 0 && delivery.streamOffset == nil)
      }
    }
  }

  @Test(
    "Bodies of any size arrive, also those that fill their frames to the last byte", .timeLimit(.minutes(1)),
    arguments: [0, 1, 131_064, 262_128, 262_129, 3_000_000])
  func sizes(size: Int) async throws {
    try await withVirtualHost { host in
      try await host.declareQueue("q")
      let (publisher, consumer) = (try host.publisher(), try host.consumer(.init(queue: "q", prefetch: 10)))
      let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try await withRunning(publisher, consumer) {
        try await publisher.publish(AMQPMessage(body: body), exchange: "", routingKey: "q")
        #expect(try await consumer.take(1).first?.body == body)
      }
    }
  }

  @Test("An unroutable message fails, and those around it are confirmed", .timeLimit(.minutes(1)))
  func unroutable() async throws {
    try await withVirtualHost { host in
      try await host.declareQueue("q")
      let publisher = try host.publisher()
      try await withRunning(publisher) {
        let failed = try await failures(0..<100, of: publisher) { $0 % 10 == 3 ? ("", "nowhere") : ("", "q") }
        #expect(
          failed.mapValues(\.code) == Dictionary(uniqueKeysWithValues: (0..<10).map { ($0 * 10 + 3, .unroutable) }))
      }
    }
  }

  @Test(
    "A publish to a missing exchange fails, and the others on the channel that it closed are confirmed",
    .timeLimit(.minutes(1)))
  func missingExchange() async throws {
    try await withVirtualHost { host in
      try await host.declareQueue("q")
      let (publisher, consumer) = (try host.publisher(), try host.consumer(.init(queue: "q", prefetch: 500)))
      try await withRunning(publisher, consumer) {
        let failed = try await failures(0..<200, of: publisher) { $0 % 50 == 7 ? ("missing", "k") : ("", "q") }
        #expect(
          failed.mapValues(\.code) == [
            7: .exchangeMissing, 57: .exchangeMissing, 107: .exchangeMissing, 157: .exchangeMissing,
          ])
        #expect(failed.values.allSatisfy { !$0.mayHaveArrived })
        let received = Received()
        let collecting = Task { await received.collect(from: consumer) }
        try await eventually("all others have arrived") { received.numbers.count == 196 }
        collecting.cancel()
      }
    }
  }

  /// Publishes all at once and tells which failed.
  private func failures(
    _ range: Range<Int>, of publisher: AMQPPublisher, to target: @escaping @Sendable (Int) -> (String, String)
  ) async throws -> [Int: PublishError] {
    try await withThrowingTaskGroup(of: (Int, PublishError?).self) { group in
      for number in range {
        let (exchange, key) = target(number)
        group.addTask {
          do {
            try await publisher.publish(numbered(number), exchange: exchange, routingKey: key, timeout: .seconds(20))
            return (number, nil)
          } catch let error as PublishError {
            return (number, error)
          }
        }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
  }

  @Test("A full queue is tried again until it has room, or until the time-out", .timeLimit(.minutes(1)))
  func refused() async throws {
    try await withVirtualHost { host in
      try await host.declareQueue(
        "q", type: "classic", arguments: ["x-max-length": 1, "x-overflow": "reject-publish"])
      let (publisher, consumer) = (try host.publisher(), try host.consumer(.init(queue: "q", prefetch: 1)))
      try await withRunning(publisher) {
        let error = await #expect(throws: PublishError.self) {
          for number in 0..<50 {
            try await publisher.publish(
              numbered(number), exchange: "", routingKey: "q", timeout: .milliseconds(700))
          }
        }
        #expect(error?.code == .refused)
        let waiting = Task { try await publisher.publish(numbered(100), exchange: "", routingKey: "q") }
        let received = Received()
        try await withRunning(consumer) {
          let collecting = Task { await received.collect(from: consumer) }
          try await waiting.value
          try await eventually("it arrives") { received.numbers.contains(100) }
          collecting.cancel()
        }
      }
    }
  }

  @Test("What the protocol cannot carry is rejected before it is sent")
  func invalid() async throws {
    let publisher = AMQPPublisher(configuration: try AMQPConfiguration(url: "amqp://127.0.0.1"), logger: quiet)
    let long = String(repeating: "x", count: 256)
    for (message, key) in [
      (AMQPMessage(body: []), long), (AMQPMessage(body: [], messageID: long), "k"),
      (AMQPMessage(body: [], headers: ["t": .table([long: 1])]), "k"),
      (AMQPMessage(body: [], headers: ["h": .bytes(Array(repeating: 0, count: 131_000))]), "k"),
    ] {
      let error = await #expect(throws: PublishError.self) {
        try await publisher.publish(message, exchange: "", routingKey: key)
      }
      #expect(error?.code == .rejected)
    }
  }

  @Test("A graceful shutdown waits for what is outstanding and then refuses", .timeLimit(.minutes(1)))
  func shutdown() async throws {
    try await withVirtualHost { host in
      try await host.declareQueue("q")
      let publisher = try host.publisher(window: 4)
      let group = ServiceGroup(services: [publisher], logger: quiet)
      async let running: Void = group.run()
      try await eventually("ready") { publisher.isReady }
      let publishing = Task { try await failures(0..<200, of: publisher) { _ in ("", "q") } }
      try await publisher.publish(numbered(1000), exchange: "", routingKey: "q")
      await group.triggerGracefulShutdown()
      try await running
      let failed = try await publishing.value
      #expect(failed.values.allSatisfy { $0.code == .closed && !$0.mayHaveArrived })
      let error = await #expect(throws: PublishError.self) {
        try await publisher.publish(numbered(1), exchange: "", routingKey: "q")
      }
      #expect(error?.code == .closed)
      #expect(!publisher.isReady)
    }
  }
}
