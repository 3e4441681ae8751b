import ServiceLifecycle
import TestSupport
import Testing

@testable import AMQP

@Suite struct ConsumerTests {
  @Test("No more than the prefetch is delivered without acknowledgement", .timeLimit(.minutes(1)))
  func prefetch() async throws {
    try await withVirtualHost { host in
      try await host.fillQueue("q", with: 0..<20)
      let consumer = try host.consumer(.init(queue: "q", prefetch: 5))
      try await withRunning(consumer) {
        let first = try await consumer.take(5)
        #expect(first.map(\.number) == [0, 1, 2, 3, 4])
        await #expect(throws: NeverTrue.self) { try await consumer.take(1, within: .milliseconds(300)) }
        await consumer.acknowledge(first[1])
        #expect(try await consumer.take(1).map(\.number) == [5])
        await consumer.acknowledge(first[4], multiple: true)
        #expect(try await consumer.take(4).map(\.number) == [6, 7, 8, 9])
      }
    }
  }

  @Test(
    "After a lost connection what was not acknowledged comes again, and a stale acknowledgement does no harm",
    .timeLimit(.minutes(1)))
  func reconnect() async throws {
    try await withVirtualHost { host in
      try await host.fillQueue("q", with: 0..<10)
      let consumer = try host.consumer(.init(queue: "q", prefetch: 10))
      try await withRunning(consumer) {
        let first = try await consumer.take(10)
        for delivery in first.prefix(4) { await consumer.acknowledge(delivery) }
        try await eventually("four are acknowledged") { try await host.ready("q") == 0 }
        try await host.closeConnections()
        let again = try await consumer.take(6)
        #expect(Set(again.map(\.number)) == Set(4...9))
        #expect(again.allSatisfy { $0.redelivered && $0.deliveryCount == 1 })
        for delivery in first { await consumer.acknowledge(delivery, multiple: true) }
        for delivery in again { await consumer.acknowledge(delivery) }
        try await host.publish(10..<11, to: "q")
        #expect(try await consumer.take(1).map(\.number) == [10])
      }
    }
  }

  @Test("A deleted queue is consumed again once it is back, and the others meanwhile", .timeLimit(.minutes(1)))
  func deletedQueue() async throws {
    try await withVirtualHost { host in
      try await host.fillQueue("gone", with: 0..<1)
      try await host.declareQueue("other")
      let consumer = try host.consumer(.init(queue: "gone", prefetch: 5), .init(queue: "other", prefetch: 5))
      try await withRunning(consumer) {
        let first = try await consumer.take(1)
        try await eventually("ready") { consumer.isReady }
        try await host.deleteQueue("gone")
        try await eventually("the loss is noticed") { !consumer.isReady }
        await consumer.acknowledge(first[0])
        try await host.publish(1..<2, to: "other")
        let meanwhile = try await consumer.take(1)
        #expect(meanwhile.map(\.queue) == ["other"] && meanwhile.allSatisfy { !$0.redelivered })
        await consumer.acknowledge(meanwhile[0])
        try await host.fillQueue("gone", with: 2..<3)
        #expect(try await consumer.take(1).map(\.number) == [2])
        try await eventually("ready again") { consumer.isReady }
      }
    }
  }

  @Test("A queue that is missing at the start is waited for", .timeLimit(.minutes(1)))
  func missingQueue() async throws {
    try await withVirtualHost { host in
      try await host.fillQueue("here", with: 0..<1)
      let consumer = try host.consumer(.init(queue: "missing", prefetch: 5), .init(queue: "here", prefetch: 5))
      try await withRunning(consumer) {
        #expect(try await consumer.take(1).map(\.queue) == ["here"])
        #expect(!consumer.isReady)
        try await host.fillQueue("missing", with: 1..<2)
        #expect(try await consumer.take(1).map(\.queue) == ["missing"])
      }
    }
  }

  @Test("A pause stops deliveries, keeps what is delivered, and ends", .timeLimit(.minutes(1)))
  func pause() async throws {
    try await withVirtualHost { host in
      try await host.fillQueue("q", with: 0..<3)
      let consumer = try host.consumer(.init(queue: "q", prefetch: 10))
      try await withRunning(consumer) {
        let first = try await consumer.take(3)
        await consumer.pause()
        try await eventually("no consumer is left") { try await host.consumers("q") == 0 }
        try await host.publish(3..<6, to: "q")
        await #expect(throws: NeverTrue.self) { try await consumer.take(1, within: .milliseconds(300)) }
        await consumer.acknowledge(first[2], multiple: true)
        await consumer.resume()
        let second = try await consumer.take(3)
        #expect(second.map(\.number) == [3, 4, 5] && second.allSatisfy { !$0.redelivered })
      }
    }
  }

  @Test(
    "A graceful shutdown ends the sequence, still acknowledges, and leaves the rest in the queue",
    .timeLimit(.minutes(1)))
  func shutdown() async throws {
    try await withVirtualHost { host in
      try await host.fillQueue("q", with: 0..<10)
      let consumer = try host.consumer(.init(queue: "q", prefetch: 6))
      let group = ServiceGroup(services: [consumer], logger: quiet)
      async let running: Void = group.run()
      let first = try await consumer.take(2)
      await group.triggerGracefulShutdown()
      var read = 2
      for await delivery in consumer.deliveries {
        read += 1
        await consumer.acknowledge(delivery)
      }
      for delivery in first { await consumer.acknowledge(delivery) }
      let start = ContinuousClock.now
      try await running
      #expect(start.duration(to: .now) < .seconds(5), "nothing was left to wait for")
      try await eventually("what was not read is left") { try await host.ready("q") == 10 - read }
    }
  }

  @Test("close() ends a shutdown at once although deliveries are unacknowledged", .timeLimit(.minutes(1)))
  func close() async throws {
    try await withVirtualHost { host in
      try await host.fillQueue("q", with: 0..<3)
      let consumer = try host.consumer(.init(queue: "q", prefetch: 6))
      let running = Task { try await consumer.run() }
      let first = try await consumer.take(3)
      await consumer.acknowledge(first[0])
      await consumer.close()
      try await running.value
      try await eventually("two are left") { try await host.ready("q") == 2 }
    }
  }
}

extension RabbitMQVirtualHost {
  /// Messages ready for delivery, asked from the queue itself.
  func ready(_ queue: String) async throws -> Int { try await value("messages_ready", of: queue) }
  func consumers(_ queue: String) async throws -> Int { try await value("consumers", of: queue) }

  private func value(_ column: String, of queue: String) async throws -> Int {
    let output = try await node.ctl("list_queues", "--vhost", name, "--quiet", "--no-table-headers", "name", column)
    let line = output.split(separator: "\n").first { $0.hasPrefix("\(queue)\t") }
    return line.flatMap { Int($0.dropFirst(queue.count + 1)) } ?? -1
  }
}
