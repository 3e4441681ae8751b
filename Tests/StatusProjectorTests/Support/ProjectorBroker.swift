import AMQP
import Contracts
import Foundation
import Logging
import ServiceLifecycle
import TestSupport

/// A virtual host of a test's own, with the log, the exchange of facts and the queue of poison.
struct ProjectorBroker: Sendable {
  let url: String
  private let node: RabbitMQNode
  private let host: String

  init() async throws {
    node = try await RabbitMQNode.shared()
    host = "projector-\(UUID().uuidString.lowercased())"
    url = node.amqpURL.replacing(/\/[^\/]*$/, with: "/\(host)")
    try await put("vhosts/\(host)", [:])
    let user = URL(string: node.amqpURL)?.user() ?? ""
    try await put("permissions/\(host)/\(user)", ["configure": ".*", "write": ".*", "read": ".*"])
    for (exchange, type, queue, kind) in [
      (BrokerNames.events, "topic", BrokerNames.log, "stream"),
      (BrokerNames.dead, "fanout", BrokerNames.poison, "quorum"),
    ] {
      try await put("exchanges/\(host)/\(exchange)", ["type": .string(type), "durable": true])
      try await put(
        "queues/\(host)/\(queue)", ["durable": true, "arguments": ["x-queue-type": .string(kind)]])
      try await send("POST", "bindings/\(host)/e/\(exchange)/q/\(queue)", ["routing_key": "#"])
    }
  }

  private func put(_ path: String, _ body: JSONValue) async throws { try await send("PUT", path, body) }

  private func send(_ method: String, _ path: String, _ body: JSONValue) async throws {
    let answer = try await node.management.send(method, "/api/\(path)", body)
    guard (200..<300).contains(answer.status) else { throw Refused(path: path, answer: answer.text) }
  }

  struct Refused: Error {
    var path: String
    var answer: String
  }

  /// Publishes messages to the log, in order, each confirmed.
  func publish(_ lines: [RecordedLog.Line]) async throws {
    let publisher = AMQPPublisher(configuration: try AMQPConfiguration(url: url), logger: .silent)
    let running = Task { try await publisher.run() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (count, line) in lines.enumerated() {
        if count >= 100 { try await group.next() }
        group.addTask {
          try await publisher.publish(
            AMQPMessage(body: line.body, messageID: line.id.description, type: line.type.rawValue),
            exchange: BrokerNames.events, routingKey: line.type.rawValue, timeout: .seconds(20))
        }
      }
      try await group.waitForAll()
    }
    running.cancel()
    try await running.value
  }

  /// The first messages on the poison queue.
  func poison(_ count: Int) async throws -> [AMQPDelivery] {
    let consumer = AMQPConsumer(
      configuration: try AMQPConfiguration(url: url),
      subscriptions: [AMQPSubscription(queue: BrokerNames.poison, prefetch: 10)], logger: .silent)
    let running = Task { try await consumer.run() }
    defer { running.cancel() }
    var messages: [AMQPDelivery] = []
    for await delivery in consumer.deliveries {
      messages.append(delivery)
      if messages.count == count { break }
    }
    return messages
  }
}
