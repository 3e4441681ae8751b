import Glibc
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import AMQP

/// Each on a node of its own, one after another.
@Suite(.serialized) struct BrokerFaultTests {
  private func withNode(_ body: (RabbitMQVirtualHost) async throws -> Void) async throws {
    let node = try await RabbitMQNode.start()
    do {
      try await body(node.defaultVirtualHost)
    } catch {
      try await node.stop()
      throw error
    }
    try await node.stop()
  }

  @Test(
    "A broker killed with kill -9 mid-window loses nothing confirmed, and every publish ends confirmed",
    .timeLimit(.minutes(3)))
  func kill() async throws {
    try await withNode { host in
      try await host.declareQueue("q")
      try await host.node.syncQueues()
      let (publisher, consumer) = (try host.publisher(), try host.consumer(.init(queue: "q", prefetch: 500)))
      let (confirmed, next) = (NIOLockedValueBox(Set<Int>()), NIOLockedValueBox(0))
      let isOver = NIOLockedValueBox(false)
      try await withRunning(publisher) {
        let publishing = Task {
          try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<128 {
              group.addTask {
                while !isOver.withLockedValue({ $0 }) {
                  let number = next.withLockedValue { next in
                    defer { next += 1 }
                    return next
                  }
                  try await publisher.publish(numbered(number), exchange: "", routingKey: "q")
                  confirmed.withLockedValue { _ = $0.insert(number) }
                }
              }
            }
            try await group.waitForAll()
          }
        }
        for round in 1...2 {
          let before = confirmed.withLockedValue { $0.count }
          try await eventually("publishing goes on") { confirmed.withLockedValue { $0.count } > before + 1000 }
          try await host.node.kill()
          try await eventually("the loss is noticed") { !publisher.isReady }
          try await host.node.restart()
          try await eventually(within: .seconds(20), "round \(round): back") { publisher.isReady }
        }
        isOver.withLockedValue { $0 = true }
        try await publishing.value
      }
      let sent = next.withLockedValue { $0 }
      #expect(confirmed.withLockedValue { $0.count } == sent)
      let received = Received()
      try await withRunning(consumer) {
        let collecting = Task { await received.collect(from: consumer) }
        try await eventually(within: .seconds(60), "everything confirmed is there") {
          received.numbers.count == sent
        }
        collecting.cancel()
      }
    }
  }

  @Test(
    "A withdrawn publish is not repeated on the next connection, one that waits is", .timeLimit(.minutes(2)))
  func withdrawal() async throws {
    try await withNode { host in
      try await host.declareQueue("q")
      try await host.node.syncQueues()
      let configuration = try host.configuration().with(heartbeat: .seconds(60))
      let publisher = AMQPPublisher(configuration: configuration, logger: quiet)
      let consumer = try host.consumer(.init(queue: "q", prefetch: 10))
      try await withRunning(publisher) {
        try await eventually("ready") { publisher.isReady }
        // A frozen broker reads nothing; what was written dies with it.
        try host.node.processID.send(SIGSTOP)
        let waiting = Task { try await publisher.publish(numbered(1), exchange: "", routingKey: "q") }
        let error = await #expect(throws: PublishError.self) {
          try await publisher.publish(
            numbered(2), exchange: "", routingKey: "q", timeout: .milliseconds(500))
        }
        #expect(error?.code == .timedOut && error?.mayHaveArrived == true)
        try await host.node.kill()
        try await host.node.restart()
        try await waiting.value
        try await publisher.publish(numbered(3), exchange: "", routingKey: "q")
      }
      try await withRunning(consumer) {
        let received = try await consumer.take(2)
        #expect(received.map(\.number) == [1, 3])
        await #expect(throws: NeverTrue.self) { try await consumer.take(1, within: .milliseconds(300)) }
      }
    }
  }

  @Test(
    "A broker without memory blocks publishing, nothing hangs, and afterwards all is confirmed", .timeLimit(.minutes(2))
  )
  func blocked() async throws {
    try await withNode { host in
      try await host.declareQueue("q")
      try await host.node.syncQueues()
      let (publisher, consumer) = (try host.publisher(), try host.consumer(.init(queue: "q", prefetch: 100)))
      try await withRunning(publisher, consumer) {
        try await publisher.publish(numbered(0), exchange: "", routingKey: "q")
        try await host.node.ctl("set_vm_memory_high_watermark", "0")
        // The broker tells a connection that publishes.
        let first = Task { try await publisher.publish(numbered(1), exchange: "", routingKey: "q") }
        try await eventually("blocked") { publisher.isBlocked }
        #expect(!publisher.isReady)
        let large = AMQPMessage(body: Array(repeating: 48, count: 200_000))
        let others = (0..<100).map { _ in
          Task { try await publisher.publish(large, exchange: "", routingKey: "q") }
        }
        let start = ContinuousClock.now
        let error = await #expect(throws: PublishError.self) {
          try await publisher.publish(numbered(2), exchange: "", routingKey: "q", timeout: .seconds(1))
        }
        #expect(error?.code == .timedOut)
        #expect(start.duration(to: .now) < .seconds(2))
        #expect(try await consumer.take(1).map(\.number) == [0], "consuming goes on")
        try await host.node.ctl("set_vm_memory_high_watermark", "0.4")
        try await eventually("unblocked") { publisher.isReady }
        try await first.value
        for other in others { try await other.value }
        try await publisher.publish(numbered(3), exchange: "", routingKey: "q")
      }
    }
  }

  @Test("A frozen broker is noticed by its silence, and a thawed one is used again", .timeLimit(.minutes(2)))
  func frozen() async throws {
    try await withNode { host in
      try await host.declareQueue("q")
      try await host.node.syncQueues()
      let configuration = try host.configuration().with(heartbeat: .seconds(1))
      let publisher = AMQPPublisher(configuration: configuration, logger: quiet)
      let consumer = AMQPConsumer(
        configuration: configuration, subscriptions: [.init(queue: "q", prefetch: 10)], logger: quiet)
      try await withRunning(publisher, consumer) {
        try await eventually("ready") { publisher.isReady && consumer.isReady }
        try host.node.processID.send(SIGSTOP)
        try await eventually("the silence is noticed") { !publisher.isReady && !consumer.isReady }
        let error = await #expect(throws: PublishError.self) {
          try await publisher.publish(numbered(1), exchange: "", routingKey: "q", timeout: .milliseconds(500))
        }
        #expect(error?.code == .timedOut)
        try host.node.processID.send(SIGCONT)
        try await publisher.publish(numbered(2), exchange: "", routingKey: "q", timeout: .seconds(20))
        #expect(try await consumer.take(1).map(\.number).last == 2)
      }
    }
  }
}
