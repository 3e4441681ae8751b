import Contracts
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import APIGateway

@Suite("The ledger as health shows it")
struct LedgerCheckTests {
  @Test("All who ask at once share one question, and its answer holds for a while")
  func sharing() async {
    let questions = NIOLockedValueBox(0)
    let check = LedgerCheck {
      questions.withLockedValue { $0 += 1 }
      try await Task.sleep(for: .milliseconds(50))
      return .balanced
    }
    await withTaskGroup(of: LedgerCheck.Finding.self) { group in
      for _ in 0..<10 { group.addTask { await check.finding() } }
      for await finding in group { #expect(finding == .balanced) }
    }
    _ = await check.finding()
    #expect(questions.withLockedValue { $0 } == 1)
  }

  @Test("A database that does not answer is waited for no longer than a second, and says nothing good")
  func silent() async {
    let check = LedgerCheck {
      // Not even cancellation ends it.
      await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
      return .balanced
    }
    let start = ContinuousClock.now
    let finding = await check.finding()
    #expect(finding == .unknown && !finding.check.isHealthy)
    #expect(ContinuousClock.now - start < .seconds(2))
  }

  @Test("That nothing was found wrong is good news only while somebody compares")
  func notCompared() {
    let now = Timestamp.now()
    func finding(compared: Duration?, read: Duration?, up: Duration) -> LedgerCheck.Finding {
      LedgerCheck.Progress(
        comparedAt: compared.map { now + (.zero - $0) }, readTo: read.map { now + (.zero - $0) }, now: now
      ).finding(uptime: up)
    }
    let (short, long) = (Duration.seconds(120), Duration.seconds(121))
    for up in [Duration.zero, .seconds(3_600)] {
      #expect(finding(compared: short, read: .zero, up: up) == .balanced)
      #expect(finding(compared: .seconds(-60), read: nil, up: up) == .balanced, "a clock that was set back")
    }
    // A fresh installation, one that starts after a night, and a scheduler that never counts.
    #expect(finding(compared: nil, read: .zero, up: short) == .awaited(since: nil))
    #expect(finding(compared: long, read: long, up: short) == .awaited(since: now + .seconds(-121)))
    #expect(finding(compared: nil, read: .zero, up: long) == .notCompared(since: nil, isReadSideBehind: false))
    #expect(
      finding(compared: long, read: short, up: long)
        == .notCompared(since: now + .seconds(-121), isReadSideBehind: false))
    #expect(
      finding(compared: long, read: long, up: long) == .notCompared(since: now + .seconds(-121), isReadSideBehind: true)
    )
    let awaited = LedgerCheck.Finding.awaited(since: nil).check
    #expect(awaited.isHealthy && awaited.message == "not compared yet")
    let stopped = LedgerCheck.Finding.notCompared(since: now, isReadSideBehind: true).check
    #expect(!stopped.isHealthy && stopped.message == "unknown: not compared since \(now), the read side is behind")
    let missing = LedgerCheck.Finding.notCompared(since: nil, isReadSideBehind: false).check
    #expect(!missing.isHealthy && missing.message == "unknown: not compared yet, the scheduler's counts are missing")
  }

  @Test("What does not balance is unhealthy and named")
  func unbalanced() async throws {
    let id = MessageID.timeOrdered()
    let check = LedgerCheck.Finding.unbalanced(kinds: ["bucket", "unqueued"], messages: [id]).check
    #expect(!check.isHealthy && check.message.contains("bucket, unqueued") && check.messageIDs == [id])
    try await GatewayFixture.run { gateway in
      let answer = try await gateway.http.request("GET", "/api/health")
      #expect(answer.status == 503 && answer.bool("checks.ledger.healthy") == false, "\(answer.body)")
    }
  }
}

extension GatewayIntegrationTests {
  @Test("Health tells of messages that do not add up for a minute, and of younger ones nothing")
  func ledger() async throws {
    try await GatewayStack.run { stack in
      let id = MessageID.timeOrdered()
      try await stack.pool.query(
        "INSERT INTO projection.ledger_read VALUES ('unqueued', now(), ARRAY[\(id.uuid)]::uuid[], false)")
      let before = try await stack.get("/api/health")
      #expect(before.status == 200 && before.bool("checks.ledger.healthy") == true, "\(before.body)")
      try await stack.pool.query("UPDATE projection.ledger_read SET is_error = true")
      try await eventually(within: .seconds(5), "health is bad") { try await stack.get("/api/health").status == 503 }
      let after = try await stack.get("/api/health")
      #expect(after.string("checks.ledger.message_ids.0") == id.description, "\(after.body)")
      #expect(after.bool("checks.database.healthy") == true)
      let ready = try await stack.get("/api/health/ready")
      #expect(ready.status == 200, "it goes on accepting")
    }
  }

  @Test("Health tells when nothing is compared any more, not in the first minutes of a gateway")
  func ledgerNotCompared() async throws {
    try await GatewayStack.run { stack in
      let old = LedgerCheck(pool: stack.pool, startedAt: .now - .seconds(3_600))
      let first = await old.finding()
      #expect(first == .balanced)
      for change in ["marked_at = now() - interval '1 hour'", "marked_at = NULL"] {
        try await stack.pool.query("UPDATE projection.ledger_comparison_read SET \(unsafeRaw: change)")
        let finding = await LedgerCheck(pool: stack.pool, startedAt: .now - .seconds(3_600)).finding()
        guard case .notCompared(_, isReadSideBehind: false) = finding else {
          Issue.record("\(change): \(finding)")
          continue
        }
        try await eventually(within: .seconds(5), "the gateway has just started") {
          let health = try await stack.get("/api/health")
          return health.status == 200 && health.string("checks.ledger.message")?.hasPrefix("not compared") == true
        }
      }
      try await stack.pool.query("DELETE FROM projection.ledger_comparison_read")
      let never = await LedgerCheck(pool: stack.pool, startedAt: .now - .seconds(3_600)).finding()
      #expect(never == .notCompared(since: nil, isReadSideBehind: false))
    }
  }
}
