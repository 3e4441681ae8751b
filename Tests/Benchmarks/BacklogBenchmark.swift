import ArgumentParser
import Foundation
import Postgres
import TestSupport

/// What a dispatch costs, and what the scheduler weighs, at small and large backlogs.
struct BacklogBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backlog", abstract: "Cost of a dispatch, memory and restart at several backlogs.",
    discussion: """
      Starts a stack of its own from SLUICE_BUILD_DIR (use .build/release). Each row: the tables are filled, the scheduler
      is started, and the first SMS after a warm-up are dispatched at 300 a second.
      """)

  @Option(help: "SMS that wait; may be repeated.")
  var backlog = [1000, 100_000, 1_000_000]

  @Option(help: "Recipients of each message; may be repeated.")
  var recipients = [1, 10_000]

  @Option(help: "Flows; may be repeated.")
  var flows = [1, 100, 10_000]

  private static let rate = 300
  private static let warmUp = 100
  private static let measured = 800

  func run() async throws {
    let options = StackOptions(providers: StackOptions.jsonProviders(["p"], rate: Self.rate, globalRate: 100_000))
    print(
      "| SMS | per message | flows | scheduler CPU per SMS | PostgreSQL CPU per SMS | RSS | start to first dispatch |")
    print("|---|---|---|---|---|---|---|")
    try await withStack(options) { stack in
      for recipients in recipients {
        for flows in flows {
          for backlog in backlog where backlog / recipients >= flows || flows == 1 {
            try await measure(backlog, recipients, flows, stack)
          }
        }
      }
    }
  }

  private func measure(_ backlog: Int, _ recipients: Int, _ flows: Int, _ stack: Stack) async throws {
    try await stack.kill(.scheduler)
    try await fill(backlog, min(recipients, backlog), flows, stack)
    try await stack.up()
    let scheduler = try stack.pid(of: .scheduler)
    try await dispatched(1, stack)
    let first = try await stack.query(
      "SELECT extract(epoch FROM min(issued_at))::double precision AS at FROM scheduler.attempts")
    let start = try (first.first?.decode("at", as: Double.self) ?? 0) - ProcessUse(scheduler).startedAt
    try await dispatched(Self.warmUp, stack)
    let before = (try ProcessUse(scheduler).cpu, try ProcessUse.cpuWithChildren(of: stack.pid(of: .postgresql)))
    let from = try await count(stack)
    try await dispatched(Self.warmUp + Self.measured, stack)
    let sent = Double(try await count(stack) - from)
    let use = try ProcessUse(scheduler)
    let server = try ProcessUse.cpuWithChildren(of: stack.pid(of: .postgresql))
    print(
      String(
        format: "| %d | %d | %d | %.0f µs | %.0f µs | %d MB | %.1f s |", backlog, recipients, flows,
        (use.cpu - before.0) / sent * 1e6, (server - before.1) / sent * 1e6, use.memory >> 20, start))
  }

  /// Replaces what waits.
  private func fill(_ backlog: Int, _ recipients: Int, _ flows: Int, _ stack: Stack) async throws {
    let messages = backlog / recipients
    try await stack.query(
      "TRUNCATE scheduler.messages, scheduler.units, scheduler.attempts, scheduler.flows, scheduler.outbox")
    try await stack.query(
      """
      INSERT INTO scheduler.flows (class, user_id, weight, next_number)
      SELECT 'normal', gen_random_uuid(), 1, \(backlog) FROM generate_series(1, \(flows))
      """)
    // In pieces, each well within the statement's time limit.
    for from in stride(from: 0, to: messages, by: 50_000) {
      try await stack.query(
        """
        WITH f AS (SELECT flow_id, row_number() OVER () - 1 AS place FROM scheduler.flows)
        INSERT INTO scheduler.messages (message_id, flow_id, first_number, content, recipients, total, segments,
          encoding, accepted_at, queued_at)
        SELECT gen_random_uuid(), f.flow_id, (i / \(flows)) * \(recipients)::bigint, 'Benchmark',
          array_fill('+85251000000'::text, ARRAY[\(recipients)::integer]), \(recipients), 1, 'gsm7', now(), now()
        FROM generate_series(\(from)::bigint, \(min(from + 50_000, messages) - 1)) AS i JOIN f ON f.place = i % \(flows)
        """)
    }
    try await stack.query("ANALYZE scheduler.messages")
  }

  private func count(_ stack: Stack) async throws -> Int {
    try await stack.query("SELECT count(*) AS count FROM scheduler.attempts").first?.decode("count") ?? 0
  }

  private func dispatched(_ count: Int, _ stack: Stack) async throws {
    try await eventually(within: .seconds(60), "\(count) dispatched") { try await self.count(stack) >= count }
  }
}
