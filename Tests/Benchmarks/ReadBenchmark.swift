import ArgumentParser
import Foundation
import TestSupport

/// How long reads take when much is stored, with little and with much queued.
struct ReadBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reads", abstract: "Latency of reads, with few and with many SMS queued.",
    discussion: """
      Starts a stack of its own from SLUICE_BUILD_DIR (use .build/release), fills its tables and asks over one connection,
      one request after another.
      """)

  @Option(help: "Recipients that are stored and final.")
  var stored = 10_000_000

  @Option(help: "SMS that wait, in the small case.")
  var few = 1_000

  @Option(help: "Flows that they wait in.")
  var fewFlows = 10

  @Option(help: "SMS that wait, in the large case.")
  var many = 1_000_000

  @Option(help: "Flows that they wait in.")
  var manyFlows = 10_000

  @Option(help: "Requests of each kind.")
  var requests = 1_000

  func run() async throws {
    let options = StackOptions(providers: StackOptions.jsonProviders(["p"], rate: 2))
    try await withStack(options) { stack in
      let user = try await stack.query("SELECT id FROM accounts.users WHERE username = \(stack.adminUser)").first
      guard let user = try user?.decode("id", as: UUID.self) else { throw StackError("there is no admin") }
      let messages = StoredMessages(stack: stack, user: user)
      let started = ContinuousClock.now
      try await messages.addFinal(stored / messages.recipients)
      try await stack.kill(.scheduler)
      try await messages.addQueued(0..<few, flows: fewFlows)
      let small = try await measure(few, messages)
      try await stack.kill(.scheduler)
      try await messages.addQueued(few..<many, flows: manyFlows)
      let large = try await measure(many, messages)
      print(
        "\(stored) recipients stored; filling and measuring took \(Int(started.duration(to: .now) / .seconds(1))) s\n")
      print("| request | \(few) queued: p50 | p99 | \(many) queued: p50 | p99 | p99 to p99 |")
      print("|---|---|---|---|---|---|")
      for (small, large) in zip(small, large) {
        print(
          "| \(small.name) "
            + String(
              format: "| %.2f ms | %.2f ms | %.2f ms | %.2f ms | %.2f |", small.p50 * 1000, small.p99 * 1000,
              large.p50 * 1000, large.p99 * 1000, large.p99 / small.p99))
      }
    }
  }

  private func measure(_ queued: Int, _ messages: StoredMessages) async throws -> [RequestLatencies] {
    try await messages.settle()
    let stack = messages.stack
    try await stack.up()
    try await eventually(within: .seconds(180), "the gateway knows the queue") {
      let status = try await stack.gateway.get("/api/queue/status").json.data
      return !status.estimated_drain_seconds.isNull && (status.queue_depth.int ?? 0) > queued * 9 / 10
    }
    let final = stored / messages.recipients
    let kinds = [
      RequestKind(name: "`GET /api/sms/{id}`, queued") { random in
        "/api/sms/" + StoredMessages.id(queued: .random(in: queued / 2..<queued, using: &random))
      },
      RequestKind(name: "`GET /api/sms/{id}`, final") { random in
        "/api/sms/" + StoredMessages.id(stored: .random(in: 0..<final, using: &random))
      },
      RequestKind(name: "`GET /api/sms/{id}/recipients`") { random in
        "/api/sms/\(StoredMessages.id(stored: .random(in: 0..<final, using: &random)))/recipients"
      },
      RequestKind(name: "`GET /api/queue/status`") { _ in "/api/queue/status" },
      RequestKind(name: "`GET /api/sms`") { _ in "/api/sms" },
      RequestKind(name: "`GET /api/sms?status=pending`") { _ in "/api/sms?status=pending" },
      RequestKind(name: "`GET /api/sms?status=partial&limit=50`") { _ in "/api/sms?status=partial&limit=50" },
      RequestKind(name: "`GET /api/sms?class=bulk&limit=50`") { _ in "/api/sms?class=bulk&limit=50" },
      RequestKind(name: "`GET /api/sms?reference=…`") { random in
        "/api/sms?reference=r\(Int.random(in: 0..<final / 10, using: &random))"
      },
      RequestKind(name: "`GET /api/sms?phone=…&limit=50`") { random in
        "/api/sms?limit=50&phone=%2B852\(51_000_000 + Int.random(in: 0..<8_000_000, using: &random))"
      },
    ]
    var rows: [RequestLatencies] = []
    for kind in kinds { rows.append(try await RequestLatencies.measure(kind, requests, on: stack)) }
    return rows
  }
}
