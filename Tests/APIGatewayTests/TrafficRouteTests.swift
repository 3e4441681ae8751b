import Contracts
import NIOConcurrencyHelpers
import Testing

@testable import APIGateway

@Suite("Commands about all traffic")
struct TrafficRouteTests {
  @Test("The switch for all sending is an admin's, and shows in the health while off")
  func sending() async throws {
    try await GatewayFixture.run { gateway in
      var counts = UnitCounts()
      counts.sending = 7
      gateway.answerCommands(counts: counts)
      let stopped = try await gateway.admin("POST", "/api/admin/sending/stop")
      #expect(stopped.status == 200)
      #expect(stopped.string("data.sending") == "stopped")
      #expect(stopped.number("data.in_flight") == 7)
      _ = try gateway.publisher.command(SendingStop.self)
      #expect(try await gateway.http.request("GET", "/api/health").string("sending") == "running")
      gateway.queue.apply(
        QueueChanged(
          asOf: .now(), isComplete: true, epoch: 1, virtualTime: 0, classes: [], flows: [], providers: [],
          globalRate: nil, isSending: false))
      #expect(try await gateway.http.request("GET", "/api/health").string("sending") == "stopped")
      #expect(try await gateway.admin("POST", "/api/admin/sending/go").string("data.sending") == "running")
      _ = try gateway.publisher.command(SendingGo.self)
    }
  }

  @Test("All of one user's traffic is paused, resumed and cancelled, with exact counts")
  func user() async throws {
    try await GatewayFixture.run { gateway in
      var counts = UnitCounts()
      counts.sent = 3
      counts.sending = 2
      counts.cancelled = 5
      counts.failed = 1
      counts.pending = 4
      gateway.answerCommands(counts: counts)
      let path = "/api/admin/users/\(gateway.user.userID)"
      let answer = try await gateway.admin("POST", "\(path)/cancel-all")
      #expect(answer.status == 200, "\(answer.body)")
      #expect(answer.number("data.sent") == 3)
      #expect(answer.number("data.in_flight") == 2)
      #expect(answer.number("data.cancelled") == 5)
      #expect(answer.number("data.other") == 5)
      #expect(try gateway.publisher.command(MessageCancel.self).body.target == .user(gateway.user.userID))
      #expect(try await gateway.admin("POST", "\(path)/pause").status == 200)
      #expect(try gateway.publisher.command(MessagePause.self).body.target == .user(gateway.user.userID))
      #expect(try await gateway.admin("POST", "\(path)/resume").status == 200)
      #expect(try gateway.publisher.command(MessageResume.self).body.target == .user(gateway.user.userID))
      #expect(try await gateway.admin("POST", "/api/admin/users/no-id/pause").status == 404)
    }
  }

  @Test("Nobody but an admin gets at what is an admin's")
  func forbidden() async throws {
    try await GatewayFixture.run { gateway in
      gateway.answerCommands()
      let routes = [
        ("POST", "/api/admin/sending/stop"), ("POST", "/api/admin/sending/go"),
        ("POST", "/api/admin/users/\(gateway.user.userID)/pause"), ("GET", "/api/admin/providers"),
        ("GET", "/api/admin/providers/provider1"), ("PATCH", "/api/admin/providers/provider1"),
        ("POST", "/api/sms/health/provider1/reset"), ("POST", "/api/sms/distribution-stats/reset"),
      ]
      for (method, path) in routes {
        let answer = try await gateway.http.request(method, path, token: GatewayFixture.token)
        #expect(answer.status == 403, "\(path)")
        #expect(answer.string("error.code") == "FORBIDDEN")
        #expect(try await gateway.http.request(method, path).status == 401)
      }
      #expect(gateway.publisher.state.withLockedValue { $0.messages.isEmpty })
    }
  }

  @Test("A command that nobody answers in three seconds is requested, and one that the broker does not confirm a 503")
  func unanswered() async throws {
    try await GatewayFixture.run { gateway in
      let start = ContinuousClock.now
      let answer = try await gateway.admin("POST", "/api/admin/sending/stop")
      #expect(ContinuousClock.now - start > .seconds(2))
      #expect(ContinuousClock.now - start < .seconds(5))
      #expect(answer.status == 202)
      #expect(answer.bool("success") == true)
      #expect(answer.string("status") == "requested")
      gateway.publisher.state.withLockedValue { $0.isSilent = true }
      let refused = try await gateway.admin("POST", "/api/admin/sending/stop")
      #expect(refused.status == 503)
      #expect(refused.headers["retry-after"] != nil)
      #expect(gateway.answers.count == 0)
    }
  }

  @Test(
    "What the scheduler refuses is an error, by its reason",
    arguments: [
      ("unknown_provider", 404, "NOT_FOUND"), ("not_supported", 409, "CONFLICT"), ("not_found", 404, "NOT_FOUND"),
      ("final", 409, "CONFLICT"), ("something_new", 409, "CONFLICT"),
    ])
  func refused(_ reason: String, _ status: Int, _ code: String) async throws {
    try await GatewayFixture.run { gateway in
      gateway.answerCommands(.refused, reason: reason)
      let answer = try await gateway.admin("POST", "/api/sms/health/provider1/reset")
      #expect(answer.status == status)
      #expect(answer.string("error.code") == code)
    }
  }
}
