import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle
import TestSupport

@testable import AMQP

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Runs a service beside the body and cancels it afterwards.
func withRunning<Result: Sendable>(
  _ services: any Service..., body: () async throws -> Result
) async throws -> Result {
  try await withThrowingTaskGroup(of: Void.self) { group in
    for service in services { group.addTask { try await service.run() } }
    defer { group.cancelAll() }
    return try await body()
  }
}

/// A virtual host of the shared node for the body alone.
func withVirtualHost(_ body: (RabbitMQVirtualHost) async throws -> Void) async throws {
  let host = try await RabbitMQNode.shared().makeVirtualHost()
  do {
    try await body(host)
  } catch {
    try await host.delete()
    throw error
  }
  try await host.delete()
}

extension RabbitMQVirtualHost {
  func configuration() throws -> AMQPConfiguration { try AMQPConfiguration(url: amqpURL).named("test") }

  func publisher(window: Int = 256) throws -> AMQPPublisher {
    AMQPPublisher(configuration: try configuration(), window: window, logger: quiet)
  }

  func consumer(_ subscriptions: AMQPSubscription...) throws -> AMQPConsumer {
    AMQPConsumer(configuration: try configuration(), subscriptions: subscriptions, logger: quiet)
  }

  /// Creates a queue and puts messages with the bodies "0", "1" … into it.
  func fillQueue(_ queue: String, type: String = "quorum", with range: Range<Int>) async throws {
    try await declareQueue(queue, type: type)
    try await publish(range, to: queue)
  }

  func publish(_ range: Range<Int>, to queue: String) async throws {
    let publisher = try publisher()
    try await withRunning(publisher) {
      for number in range { try await publisher.publish(numbered(number), exchange: "", routingKey: queue) }
    }
  }
}

func numbered(_ number: Int) -> AMQPMessage { AMQPMessage(body: Array("\(number)".utf8), messageID: "\(number)") }

extension AMQPDelivery {
  var number: Int { Int(String(decoding: body, as: UTF8.self)) ?? -1 }
}

extension AMQPConsumer {
  /// Exactly this many deliveries; throws when they don't come in time.
  func take(_ count: Int, within limit: Duration = .seconds(15)) async throws -> [AMQPDelivery] {
    try await withThrowingTaskGroup(of: [AMQPDelivery]?.self) { group in
      group.addTask {
        var taken: [AMQPDelivery] = []
        while taken.count < count {
          let batch = await self.deliveries.batch(upTo: count - taken.count)
          if batch.isEmpty { break }
          taken += batch
        }
        return taken.count == count ? taken : nil
      }
      group.addTask {
        try await Task.sleep(for: limit)
        return nil
      }
      defer { group.cancelAll() }
      guard let taken = try await group.next() ?? nil else {
        throw NeverTrue(description: "not within \(limit): \(count) deliveries")
      }
      return taken
    }
  }
}

/// Collects what a consumer delivers, acknowledging each.
final class Received: Sendable {
  private let counts = NIOLockedValueBox<[Int: Int]>([:])

  var numbers: Set<Int> { Set(counts.withLockedValue { $0.keys }) }
  var total: Int { counts.withLockedValue { $0.values.reduce(0, +) } }

  func collect(from consumer: AMQPConsumer) async {
    while true {
      let batch = await consumer.deliveries.batch(upTo: 256)
      guard let last = batch.last else { return }
      counts.withLockedValue { counts in for delivery in batch { counts[delivery.number, default: 0] += 1 } }
      await consumer.acknowledge(last, multiple: true)
    }
  }
}
