import AMQP
import Contracts
import Foundation
import Logging
import TestSupport

/// A stream of facts in a virtual host of its own, filled as a scheduler would.
struct FactLog: Sendable {
  let url: String
  private let publisher: AMQPPublisher
  private let user = UserID.timeOrdered()

  private init(url: String) throws {
    self.url = url
    let logger = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
    publisher = AMQPPublisher(configuration: try AMQPConfiguration(url: url), logger: logger)
  }

  /// Makes one and publishes to it for as long as `body` runs.
  static func with<Result: Sendable>(_ body: (FactLog) async throws -> Result) async throws -> Result {
    let node = try await RabbitMQNode.shared()
    let host = "projector"
    let user = URL(string: node.amqpURL)?.user() ?? ""
    let steps: [(String, String, JSONValue)] = [
      ("PUT", "vhosts/\(host)", [:]),
      ("PUT", "permissions/\(host)/\(user)", ["configure": ".*", "write": ".*", "read": ".*"]),
      ("PUT", "exchanges/\(host)/\(BrokerNames.events)", ["type": "topic", "durable": true]),
      ("PUT", "exchanges/\(host)/\(BrokerNames.dead)", ["type": "fanout", "durable": true]),
      (
        "PUT", "queues/\(host)/\(BrokerNames.log)",
        ["durable": true, "arguments": ["x-queue-type": "stream", "x-max-length-bytes": 2_000_000_000]]
      ),
      ("POST", "bindings/\(host)/e/\(BrokerNames.events)/q/\(BrokerNames.log)", ["routing_key": "#"]),
    ]
    for (method, path, body) in steps {
      let answer = try await node.management.send(method, "/api/\(path)", body)
      guard (200..<300).contains(answer.status) else { throw StackError("\(path): \(answer.text)") }
    }
    let log = try FactLog(url: node.amqpURL.replacing(/\/[^\/]*$/, with: "/\(host)"))
    let running = Task { try await log.publisher.run() }
    defer { running.cancel() }
    return try await body(log)
  }

  /// Publishes one fact, confirmed.
  func tell(_ body: some Payload) async throws {
    let envelope = Envelope(body)
    let type = envelope.header.type.rawValue
    try await publisher.publish(
      AMQPMessage(body: try Wire.encode(envelope), messageID: envelope.header.id.description, type: type),
      exchange: BrokerNames.events, routingKey: type, timeout: .seconds(20))
  }

  /// The accepting and queueing of messages with so many recipients each.
  func accept(_ count: Int, recipients: Int) async throws -> [MessageID] {
    let ids = (0..<count).map { _ in MessageID.timeOrdered() }
    try await ids.pipelined { id in
      try await tell(
        MessageAccepted(
          messageID: id, userID: user, messageClass: .bulk, content: "Benchmark",
          recipients: (0..<recipients).map { _ in "+852\(Int.random(in: 51_000_000...69_999_999))" }, segments: 1,
          encoding: "gsm7", acceptedAt: .now()))
    }
    try await tell(
      MessagesQueued(
        messages: ids.map { .init(messageID: $0, flowID: 1, firstNumber: 0, total: recipients) }, queuedAt: .now()))
    return ids
  }

  /// One message more, to be looked for.
  func marker() async throws -> MessageID {
    guard let id = try await accept(1, recipients: 1).first else { throw StackError("nothing was accepted") }
    return id
  }

  /// The dispatch of units and their end, `batch` units a fact.
  func send(_ units: [UnitID], batch: Int) async throws {
    let pieces = stride(from: 0, to: units.count, by: batch).map { units[$0..<min($0 + batch, units.count)] }
    try await pieces.pipelined { piece in
      try await tell(
        UnitsDispatched(
          units: piece.map { .init(attempt: AttemptID(unit: $0, dispatch: 0), provider: "p") }, dispatchedAt: .now()))
    }
    try await pieces.pipelined { piece in
      try await tell(
        UnitsChanged(
          units: piece.map {
            UnitChange(
              attempt: AttemptID(unit: $0, dispatch: 0), state: .sent, dispatch: 0, attemptsUsed: 0, provider: "p",
              outcome: .accepted, reply: ProviderReply(status: 200, body: "{\"status\":\"accepted\"}"),
              startedAt: .now(), finishedAt: .now())
          }))
    }
    var counts = UnitCounts()
    let finished = Dictionary(grouping: units, by: \.messageID).map { id, units in
      counts.sent = units.count
      return MessagesFinished.Entry(messageID: id, counts: counts, finishedAt: .now())
    }
    for start in stride(from: 0, to: finished.count, by: batch) {
      try await tell(MessagesFinished(messages: Array(finished[start..<min(start + batch, finished.count)])))
    }
  }
}

extension Collection where Self: Sendable, Element: Sendable {
  /// Does something with each, 200 at a time.
  fileprivate func pipelined(_ body: @escaping @Sendable (Element) async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (count, element) in enumerated() {
        if count >= 200 { try await group.next() }
        group.addTask { try await body(element) }
      }
      try await group.waitForAll()
    }
  }
}
