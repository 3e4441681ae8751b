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
}
