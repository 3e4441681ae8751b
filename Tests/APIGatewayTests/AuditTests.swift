import Contracts
import HTTPTypes
import Testing

@testable import APIGateway

@Suite("Audit")
struct AuditTests {
  @Test("Every route that changes something as an admin is audited, each as something else")
  func coverage() async throws {
    try await GatewayFixture.run { gateway in
      let resets = ["/api/sms/health/{id}/reset", "/api/sms/distribution-stats/reset"]
      let changing = gateway.routes.filter {
        $0.method != .get
          && ($0.path.hasPrefix("/api/admin/") || $0.path.hasPrefix("/api/auth/") || resets.contains($0.path)
            || $0.path.hasPrefix("/api/sms/{id}/") || $0.method == .delete)
      }
      #expect(changing.count >= 19)
      for route in changing { #expect(route.audit != nil, "\(route.method) \(route.path)") }
      let actions = changing.compactMap(\.audit)
      // A message is cancelled by two routes.
      #expect(Set(actions).count == actions.count - 1)
      // The export of everybody's messages changes nothing, but takes numbers and texts out: a page of the panel.
      #expect(Set(actions).union([.messagesExport]) == Set(AuditAction.allCases))
    }
  }

  @Test("While the database is away an admin's switch works, and what they did waits in memory")
  func withoutDatabase() async throws {
    try await GatewayFixture.run { gateway in
      gateway.answerCommands()
      let start = ContinuousClock.now
      let stopped = try await gateway.admin("POST", "/api/admin/sending/stop")
      #expect(stopped.status == 200)
      #expect(ContinuousClock.now - start < .seconds(2))
      #expect(gateway.trail.waiting == 1)
      // Who is no admin leaves nothing.
      let forbidden = try await gateway.post("/api/admin/sending/stop", "")
      let unknown = try await gateway.http.request("POST", "/api/admin/sending/stop")
      #expect(forbidden.status == 403 && unknown.status == 401)
      #expect(gateway.trail.waiting == 1)
    }
  }

  @Test("What waits is bounded, and the oldest is written first")
  func bounded() {
    var buffer = AuditBuffer(capacity: 2)
    let entries = (0..<3).map { number in
      AuditEntry(
        at: .now(), userID: nil, username: nil, action: "a\(number)", subjectType: nil, subjectID: nil, details: [],
        outcome: "done", address: nil, requestID: nil)
    }
    let kept = entries.map { buffer.add($0) }
    #expect(kept == [true, true, false])
    buffer.remove(first: 1)
    #expect(buffer.entries.map(\.action) == ["a1"])
  }
}
