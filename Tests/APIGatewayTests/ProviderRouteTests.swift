import Contracts
import Testing

@testable import APIGateway

@Suite("Provider routes")
struct ProviderRouteTests {
  private static let time = Timestamp.now() + .seconds(3600)

  /// Two providers: one in order, one that failed too often.
  static let heads = QueueChanged(
    asOf: .now(), isComplete: true, epoch: 1, virtualTime: 0, classes: [], flows: [],
    providers: [
      ProviderPace(
        provider: "provider1", effectiveRate: 48.5, nominalRate: 50, state: "healthy", inFlight: 2, successes: 120,
        failures: 3, sent: 100, weight: 1, current: 12),
      ProviderPace(
        provider: "provider2", effectiveRate: 0, nominalRate: 50, state: "unhealthy", inFlight: 0, gateOpensAt: time,
        unhealthyUntil: time, successes: 2, failures: 18, sent: 200, weight: 2, current: 0),
    ], globalRate: 200, isSending: true)

  @Test("Health, limits and shares have the predecessor's shapes")
  func shapes() async throws {
    try await GatewayFixture.run { gateway in
      gateway.providers.apply(Self.heads)
      let health = try await gateway.get("/api/sms/health")
      #expect(health.status == 200)
      #expect(
        health["data.providers.0"]
          == .object([
            JSONMember(name: "provider_id", value: .string("provider1")),
            JSONMember(name: "is_healthy", value: .bool(true)),
            JSONMember(name: "success_count", value: .number(120)),
            JSONMember(name: "failure_count", value: .number(3)),
            JSONMember(name: "failure_rate", value: .number(0.024)), JSONMember(name: "unhealthy_until", value: .null),
            JSONMember(name: "state", value: .string("healthy")), JSONMember(name: "pause_reason", value: .null),
          ]))
      #expect(health.bool("data.providers.1.is_healthy") == false)
      let one = try await gateway.get("/api/sms/health/provider2")
      #expect(one.string("data.provider_id") == "provider2")
      #expect(one.number("data.failure_rate") == 0.9)
      #expect(one.string("data.unhealthy_until") == Self.time.description)
      #expect(try await gateway.get("/api/sms/health/nobody").status == 404)

      let limits = try await gateway.get("/api/sms/rate-limits")
      #expect(limits.number("data.providers.provider1.limit") == 50)
      #expect(limits.number("data.providers.provider1.current") == 12)
      #expect(limits.number("data.providers.provider1.remaining") == 38)
      #expect(limits.bool("data.providers.provider1.limited") == false)
      #expect(limits["data.providers.provider1.paused_until"] == .null)
      #expect(limits.number("data.providers.provider1.effective_rate") == 48.5)
      #expect(limits.bool("data.providers.provider2.limited") == true)
      #expect(limits.string("data.providers.provider2.paused_until") == Self.time.description)
      #expect(limits.number("data.global.limit") == 200)
      #expect(limits.number("data.global.remaining") == 188)
      // Of those that go, and not more than all together may.
      #expect(limits.number("data.global.effective_rate") == 48.5)
      #expect(limits["data.global.paused_until"] == .null)
      var slow = Self.heads
      slow.globalRate = 30
      gateway.providers.apply(slow)
      #expect(try await gateway.get("/api/sms/rate-limits").number("data.global.effective_rate") == 30)
      #expect(limits.body.contains(#""limit":50,"current":12,"remaining":38"#))

      let shares = try await gateway.get("/api/sms/distribution-stats")
      #expect(shares.number("data.total") == 300)
      #expect(shares.number("data.providers.provider1.count") == 100)
      #expect(shares.number("data.providers.provider1.share") == 0.333)
      #expect(shares.number("data.providers.provider2.weight") == 2)
    }
  }

  @Test("Providers are listed with settings and state, and one alone with its health")
  func listing() async throws {
    try await GatewayFixture.run { gateway in
      let before = try await gateway.get("/api/sms/providers")
      #expect(before.string("data.providers.0.id") == "provider1")
      #expect(before.string("data.providers.0.adapter") == "json")
      #expect(before.number("data.providers.0.rate") == 50)
      #expect(before["data.providers.0.state"] == .null)
      for path in ["health", "rate-limits", "distribution-stats", "health/provider1"] {
        #expect(try await gateway.get("/api/sms/\(path)").status == 503)
      }
      gateway.providers.apply(Self.heads)
      let status = try await gateway.get("/api/sms/provider2/status")
      #expect(status.string("data.id") == "provider2")
      #expect(status.string("data.state") == "unhealthy")
      #expect(status.number("data.in_flight") == 0)
      #expect(status.number("data.failure_count") == 18)
      #expect(try await gateway.get("/api/sms/nobody/status").status == 404)
      #expect(try await gateway.http.request("GET", "/api/sms/health").status == 401)
    }
  }

  @Test("What an admin changes goes to the scheduler, and the answer shows it")
  func patch() async throws {
    try await GatewayFixture.run { gateway in
      gateway.providers.apply(Self.heads)
      gateway.answerCommands()
      let answer = try await gateway.admin(
        "PATCH", "/api/admin/providers/provider1", #"{"rate": 20, "weight": null, "paused": true}"#)
      #expect(answer.status == 200, "\(answer.body)")
      #expect(answer.number("data.rate") == 20)
      #expect(answer.bool("data.paused") == true)
      #expect(answer.string("data.pause_reason") == "admin")
      #expect(answer.list("data.overridden") == [.string("paused"), .string("rate")])
      #expect(answer.number("data.file.rate") == 50)
      #expect(answer.number("data.nominal_rate") == 20)
      #expect(answer.number("data.effective_rate") == 0)
      let command = try gateway.publisher.command(ProviderSet.self)
      #expect(command.body.provider == "provider1")
      #expect(command.body.rate == .value(20))
      #expect(command.body.weight == .file)
      #expect(command.body.windowSeconds == .unchanged)
      #expect(command.body.isPaused == .value(true))
      #expect(command.header.requestID == answer.headers["x-request-id"])
      #expect(try await gateway.admin("PATCH", "/api/admin/providers/nobody", "{}").status == 404)
      let listed = try await gateway.admin("GET", "/api/admin/providers")
      #expect(listed.string("data.providers.1.name") == "provider2")
      #expect(try await gateway.admin("GET", "/api/admin/providers/provider1").bool("data.paused") == false)
    }
  }

  @Test("Resets go to the scheduler")
  func reset() async throws {
    try await GatewayFixture.run { gateway in
      gateway.answerCommands()
      let reset = try await gateway.admin("POST", "/api/sms/health/provider1/reset")
      #expect(reset.status == 200)
      #expect(reset.string("data.provider_id") == "provider1")
      #expect(try gateway.publisher.command(ProviderReset.self).body.provider == "provider1")
      #expect(try gateway.publisher.command(ProviderReset.self).body.subject == .health)
      #expect(try await gateway.admin("POST", "/api/sms/health/nobody/reset").status == 404)
      #expect(try await gateway.admin("POST", "/api/sms/distribution-stats/reset").status == 200)
      #expect(try gateway.publisher.command(ProviderReset.self).body.subject == .distribution)
      #expect(try gateway.publisher.command(ProviderReset.self).body.provider == nil)
    }
  }
}
