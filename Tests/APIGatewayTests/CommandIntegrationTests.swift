import Contracts
import Foundation
import Postgres
import TestSupport
import Testing

@testable import APIGateway

extension GatewayIntegrationTests {
  /// Commands over a real broker, with a scheduler that is played.
  @Suite("Commands", .serialized)
  struct CommandIntegrationTests {
    private static func counts(sent: Int = 0, sending: Int = 0, cancelled: Int = 0, pending: Int = 0) -> UnitCounts {
      var counts = UnitCounts()
      counts.sent = sent
      counts.sending = sending
      counts.cancelled = cancelled
      counts.pending = pending
      return counts
    }

    @Test("Cancelling, pausing and resuming answer exactly, by each of their routes")
    func messages() async throws {
      try await GatewayStack.run { stack in
        let id = MessageID.timeOrdered()
        try await ReadTables.insert(id, user: stack.user, total: 5, sent: 1, into: stack.pool)
        try await PlayedScheduler.run(in: stack) { scheduler in
          scheduler.answer(.done, counts: Self.counts(sent: 1, sending: 1, cancelled: 3))
          for (method, path) in [("POST", "/api/sms/\(id)/cancel"), ("DELETE", "/api/sms/\(id)")] {
            let answer = try await stack.ask(method, path)
            #expect(answer.status == 200, "\(answer.body)")
            #expect(answer.bool("success") == true)
            #expect(answer.number("data.sent") == 1)
            #expect(answer.number("data.in_flight") == 1)
            #expect(answer.number("data.cancelled") == 3)
            #expect(answer.number("data.other") == 0)
            let command = try scheduler.last(MessageCancel.self)
            #expect(command.body.target == .message(id))
            #expect(command.header.requestID == answer.headers["x-request-id"])
          }
          scheduler.answer(.done, counts: Self.counts(sent: 1, pending: 4))
          let paused = try await stack.ask("POST", "/api/sms/\(id)/pause")
          #expect(paused.status == 200)
          #expect(paused.number("data.other") == 4)
          #expect(try scheduler.last(MessagePause.self).body.target == .message(id))
          #expect(try await stack.ask("POST", "/api/sms/\(id)/resume").status == 200)
          #expect(try scheduler.last(MessageResume.self).body.target == .message(id))
        }
      }
    }

    @Test("What is final is a conflict, and another user's message is not there")
    func refusals() async throws {
      try await GatewayStack.run { stack in
        let (own, other) = (MessageID.timeOrdered(), MessageID.timeOrdered())
        try await ReadTables.insert(own, user: stack.user, total: 1, sent: 1, into: stack.pool)
        try await ReadTables.insert(other, user: .timeOrdered(), total: 1, into: stack.pool)
        try await PlayedScheduler.run(in: stack) { scheduler in
          scheduler.answer(.refused, reason: "final")
          for action in ["cancel", "pause", "resume"] {
            let answer = try await stack.ask("POST", "/api/sms/\(own)/\(action)")
            #expect(answer.status == 409)
            #expect(answer.string("error.code") == "CONFLICT")
            #expect(answer.string("error.details.0.code") == "final")
          }
          let before = scheduler.received.count
          let old = MessageID.timeOrdered(at: .now() + .seconds(-60))
          for id in ["\(other)", "\(old)", "no-id"] {
            #expect(try await stack.ask("POST", "/api/sms/\(id)/cancel").status == 404)
            #expect(try await stack.ask("POST", "/api/sms/\(id)/retry-failed").status == 404)
            #expect(try await stack.ask("DELETE", "/api/sms/\(id)").status == 404)
          }
          #expect(scheduler.received.count == before)
          scheduler.answer(.done, counts: Self.counts(cancelled: 1))
          let admin = try await stack.ask("POST", "/api/sms/\(other)/cancel", token: GatewayStack.adminToken)
          #expect(admin.status == 200)
        }
      }
    }

    @Test("Sending what failed again says how many go, and is a conflict when none do")
    func retryFailed() async throws {
      try await GatewayStack.run { stack in
        let id = MessageID.timeOrdered()
        try await ReadTables.insert(id, user: stack.user, total: 5, sent: 5, into: stack.pool)
        try await PlayedScheduler.run(in: stack) { scheduler in
          scheduler.answer(.done, counts: Self.counts(pending: 3))
          let answer = try await stack.ask("POST", "/api/sms/\(id)/retry-failed")
          #expect(answer.status == 202)
          #expect(answer.number("data.retried") == 3)
          #expect(try scheduler.last(MessageRetryFailed.self).body.messageID == id)
          scheduler.answer(.refused, reason: "nothing_to_retry")
          let none = try await stack.ask("POST", "/api/sms/\(id)/retry-failed")
          #expect(none.status == 409)
          #expect(none.string("error.details.0.code") == "nothing_to_retry")
        }
      }
    }

    @Test("A scheduler that says nothing makes it 202 within 3 s, and the command lies in its queue")
    func unanswered() async throws {
      try await GatewayStack.run { stack in
        let id = MessageID.timeOrdered()
        try await ReadTables.insert(id, user: stack.user, total: 1, into: stack.pool)
        try await PlayedScheduler.run(in: stack) { scheduler in
          scheduler.beSilent()
          let start = ContinuousClock.now
          let answer = try await stack.ask("POST", "/api/sms/\(id)/cancel")
          #expect(ContinuousClock.now - start < .seconds(5))
          #expect(answer.status == 202)
          #expect(answer.string("status") == "requested")
          #expect(try scheduler.last(MessageCancel.self).body.target == .message(id))
        }
      }
    }

    @Test("A user without a token is found in the database, and nobody else is")
    func users() async throws {
      try await GatewayStack.run { stack in
        let quiet = UserID.timeOrdered()
        try await stack.pool.query("INSERT INTO accounts.users (id, username) VALUES (\(quiet.uuid), 'quiet')")
        try await PlayedScheduler.run(in: stack) { scheduler in
          scheduler.answer(.done, counts: Self.counts())
          func pause(_ user: UserID) async throws -> Int {
            try await stack.ask("POST", "/api/admin/users/\(user)/pause", token: GatewayStack.adminToken).status
          }
          let status = try await pause(quiet)
          #expect(status == 200)
          #expect(try scheduler.last(MessagePause.self).body.target == .user(quiet))
          #expect(try await pause(stack.user) == 200)
          #expect(try await pause(.timeOrdered()) == 404)
        }
      }
    }

    @Test("The gateway knows providers from what the scheduler says on the stream")
    func providers() async throws {
      try await GatewayStack.run { stack in
        try await eventually(within: .seconds(20), "the state of the providers") {
          try await stack.publish(
            QueueChanged(
              asOf: .now(), isComplete: true, epoch: 1, virtualTime: 0, classes: [], flows: [],
              providers: [
                ProviderPace(
                  provider: "provider1", effectiveRate: 50, nominalRate: 50, state: "probing", inFlight: 1,
                  successes: 1, failures: 9)
              ], globalRate: nil, isSending: false))
          return try await stack.get("/api/sms/health").status == 200
        }
        let health = try await stack.get("/api/sms/health/provider1")
        #expect(health.bool("data.is_healthy") == false)
        #expect(health.number("data.failure_rate") == 0.9)
        #expect(try await stack.get("/api/health").string("sending") == "stopped")
        let changed = ProvidersChanged(providers: [
          .init(
            name: "provider1", adapter: "json", url: "http://x/", rate: 9, windowSeconds: 2, weight: 1,
            state: "paused", pauseReason: "credentials", overridden: ["rate"])
        ])
        try await stack.publish(bytes: try Wire.encode(Envelope(changed)), type: .providerChanged)
        try await eventually(within: .seconds(10), "the changed settings") {
          try await stack.get("/api/sms/provider1/status").number("data.rate") == 9
        }
        let provider = try await stack.get("/api/admin/providers/provider1", token: GatewayStack.adminToken)
        #expect(provider.bool("data.paused") == true)
        #expect(provider.string("data.pause_reason") == "credentials")
        #expect(provider.number("data.window_s") == 2)
      }
    }
  }
}
