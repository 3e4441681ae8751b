import AMQP
import Contracts
import Logging
import TestSupport
import Testing

@testable import Postgres
@testable import Scheduler

@Suite("Deliveries and terms", .serialized)
struct DeliveryFeedTests {
  private let logger = Logger(label: "feed") { _ in SwiftLogNoOpLogHandler() }

  /// Publishes ten submissions that cannot be read, and consumes.
  private func withFeed(_ body: (DeliveryFeed) async throws -> Void) async throws {
    let host = try await RabbitMQNode.shared().makeVirtualHost()
    try await host.declareQueue(BrokerNames.submissions)
    let configuration = try AMQPConfiguration(url: host.amqpURL).named("feed")
    let publisher = AMQPPublisher(configuration: configuration, logger: logger)
    let feed = DeliveryFeed { [logger] in
      AMQPConsumer(
        configuration: configuration,
        subscriptions: [AMQPSubscription(queue: BrokerNames.submissions, prefetch: 100)], logger: logger)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await publisher.run() }
      for number in 0..<10 {
        try await publisher.publish(
          AMQPMessage(body: Array("\(number)".utf8), messageID: "\(number)"), exchange: "",
          routingKey: BrokerNames.submissions)
      }
      try await body(feed)
      await feed.close()
      group.cancelAll()
    }
    try await host.delete()
  }

  /// Waits for so many deliveries.
  private func take(_ count: Int, _ inbox: Inbox) async throws -> [AMQPDelivery] {
    var deliveries: [AMQPDelivery] = []
    try await eventually(within: .seconds(20), "\(count) deliveries") {
      deliveries += inbox.take(withCommands: true).submissions.map(\.delivery)
      return deliveries.count >= count
    }
    #expect(deliveries.count == count)
    return deliveries
  }

  @Test("a lost database or leadership counts no delivery: the next term has what is not acknowledged, in order")
  func lostDatabase() async throws {
    let losses: [any Error] = [
      PostgresError(.connection, "lost"), PostgresError(.commitUnknown, "lost"), PostgresError(.poolExhausted, "lost"),
      StoreError.deposed, CancellationError(),
    ]
    try await withFeed { feed in
      var left = 10
      for round in 0..<15 {
        let inbox = Inbox()
        feed.open(into: inbox)
        let deliveries = try await take(left, inbox)
        #expect(deliveries.allSatisfy { $0.deliveryCount == 0 && !$0.redelivered }, "round \(round)")
        #expect(deliveries.map(\.messageID) == (10 - left..<10).map { "\($0)" })
        if round % 3 == 2, let first = deliveries.first {
          await feed.acknowledge(first)
          left -= 1
        }
        await feed.close(after: losses[round % losses.count])
      }
    }
  }

  @Test("what brings terms down again and again is counted by the broker")
  func suspicious() async throws {
    try await withFeed { feed in
      for _ in 0...DeliveryFeed.fruitlessTerms {
        let inbox = Inbox()
        feed.open(into: inbox)
        let deliveries = try await take(10, inbox)
        #expect(deliveries.allSatisfy { $0.deliveryCount == 0 })
        await feed.close(after: PostgresError(.connection, "lost"))
      }
      let second = Inbox()
      feed.open(into: second)
      let again = try await take(10, second)
      #expect(again.allSatisfy { $0.deliveryCount == 1 }, "six terms in which nothing was done")
      await feed.close(after: StoreError.outOfStep)
      let third = Inbox()
      feed.open(into: third)
      let last = try await take(10, third)
      #expect(last.allSatisfy { $0.deliveryCount == 2 })
    }
  }
}
