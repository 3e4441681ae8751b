import AMQP
import Contracts
import Foundation
import Logging
import Postgres
import TestSupport

/// How long a replay of as many letters as one request may have takes to be recorded and ordered.
struct LetterReplayRun {
  let stack: Stack

  func run() async throws {
    try await stack.kill(.scheduler)
    let command = DeadLetterReplay(selection: LetterSelection(), actor: LetterActor(userID: nil, name: "benchmark"))
    let start = ContinuousClock.now
    try await publish(command)
    let recorded = try await wait(start, "SELECT FROM dead_letter.orders LIMIT 1")
    let ordered = try await wait(
      start,
      """
      SELECT FROM (SELECT count(*) AS orders, count(published_at) AS published FROM dead_letter.orders) o
      WHERE orders > 0 AND orders = published
      """)
    let memory = try ProcessUse(stack.pid(of: .deadLetter)).memory
    print(
      String(
        format: "\nreplay of 100,000: recorded after %.1f s, all orders published after %.1f s, %.0f MB resident",
        recorded, ordered, Double(memory) / 1_000_000))
  }

  private func publish(_ command: DeadLetterReplay) async throws {
    let publisher = AMQPPublisher(
      configuration: try AMQPConfiguration(url: stack.amqpURL),
      logger: Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() })
    let envelope = Envelope(command)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await publisher.run() }
      try await publisher.publish(
        AMQPMessage(body: try Wire.encode(envelope), messageID: envelope.header.id.description),
        exchange: BrokerNames.commands, routingKey: DeadLetterReplay.type.rawValue, timeout: .seconds(10))
      group.cancelAll()
    }
  }

  private func wait(_ start: ContinuousClock.Instant, _ condition: PostgresQuery) async throws -> Double {
    try await eventually(within: .seconds(180), "the replay is ordered") {
      try await stack.query(condition).count > 0
    }
    return start.duration(to: .now) / .seconds(1)
  }
}
