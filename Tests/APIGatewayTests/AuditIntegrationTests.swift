import Contracts
import Foundation
import Postgres
import TestSupport
import Testing

@testable import APIGateway

extension GatewayIntegrationTests {
  @Suite("Audit and daily limits", .serialized)
  struct Books {
    @Test("Each action of an admin and each login leaves an entry, without secrets")
    func entries() async throws {
      try await GatewayStack.run { stack in
        try await PlayedScheduler.run(in: stack) { scheduler in
          _ = scheduler
          let (id, session) = try await stack.loggedIn("bob")
          #expect(try await stack.login("bob", "a wrong password").status == 401)
          #expect(try await stack.login("nobody", "a wrong password").status == 401)
          let token = try await stack.admin("POST", "/api/admin/users/\(id)/tokens", #"{"name": "n"}"#)
          let secret = try #require(token.string("data.token"))
          let tokenID = try #require(token.string("data.id"))
          let steps: [(String, String, String?)] = [
            ("DELETE", "/api/admin/users/\(id)/tokens/\(tokenID)", nil),
            ("PATCH", "/api/admin/users/\(id)", #"{"password": "another password", "weight": 3}"#),
            ("POST", "/api/admin/users/\(id)/pause", nil), ("POST", "/api/admin/users/\(id)/resume", nil),
            ("POST", "/api/admin/users/\(id)/cancel-all", nil), ("POST", "/api/admin/sending/stop", nil),
            ("PATCH", "/api/admin/providers/provider1", #"{"rate": 7, "weight": null}"#),
            ("POST", "/api/sms/health/provider1/reset", nil), ("POST", "/api/sms/distribution-stats/reset", nil),
            ("DELETE", "/api/admin/users/\(id)", nil),
          ]
          for (method, path, body) in steps {
            #expect(try await stack.admin(method, path, body).status == 200, "\(method) \(path)")
          }
          #expect(try await stack.admin("DELETE", "/api/admin/users/\(id)").status == 404)
          let root = try #require(
            try await stack.login("root", "secret").string("data.access_token"))
          #expect(try await stack.ask("POST", "/api/auth/logout", token: root).status == 200)

          let all = try await stack.admin("GET", "/api/admin/audit?limit=200")
          let entries = try #require(all.list("data.entries"))
          let found = entries.indices.map { index in
            let at = "data.entries.\(index)"
            return
              "\(all.string("\(at).action") ?? "") \(all.string("\(at).username") ?? "-") \(all.string("\(at).outcome") ?? "")"
          }
          // Those before are of how the scheduler was found to listen.
          let expected = [
            "auth.logout root done", "auth.login root done", "user.delete root not_found", "user.delete root done",
            "distribution.reset root done", "provider.health_reset root done", "provider.update root done",
            "sending.stop root done", "user.cancel_all root done", "user.resume root done", "user.pause root done",
            "user.update root done", "token.revoke root done", "token.create root done", "auth.login - unauthorized",
            "auth.login bob unauthorized", "auth.login bob done", "user.create root done", "sending.go root done",
          ]
          #expect(Array(found.prefix(expected.count)) == expected)
          for text in [secret, session, "s password", "another password", "wrong", "scrypt"] {
            #expect(!all.body.contains(text), "\(text)")
          }
          #expect(all.body.contains(#""password":"changed""#))
          let update = try await stack.admin("GET", "/api/admin/audit?action=user.update")
          #expect(update.list("data.entries")?.count == 1)
          #expect(update.number("data.entries.0.details.weight") == 3)
          #expect(update.string("data.entries.0.subject_id") == id)
          #expect(update.string("data.entries.0.subject_type") == "user")
          #expect(update.string("data.entries.0.address") == "127.0.0.1")
          #expect(update.string("data.entries.0.request_id")?.isEmpty == false)
          let provider = try await stack.admin("GET", "/api/admin/audit?action=provider.update")
          #expect(provider.string("data.entries.0.subject_id") == "provider1")
          #expect(provider["data.entries.0.details.weight"] == .null)
        }
      }
    }

    @Test("The audit is paged and filtered, and only admins read it")
    func list() async throws {
      try await GatewayStack.run { stack in
        let id = try await stack.makeUser("bob")
        for weight in 1...3 { _ = try await stack.admin("PATCH", "/api/admin/users/\(id)", #"{"weight": \#(weight)}"#) }
        let first = try await stack.admin("GET", "/api/admin/audit?user_id=\(id)&limit=2")
        #expect(first.list("data.entries")?.count == 2)
        #expect(first.number("data.entries.0.details.weight") == 3)
        let cursor = try #require(first.string("data.next_cursor"))
        let rest = try await stack.admin("GET", "/api/admin/audit?user_id=\(id)&limit=2&cursor=\(cursor)")
        #expect(rest.number("data.entries.0.details.weight") == 1)
        #expect(rest.string("data.entries.1.action") == "user.create" && rest["data.next_cursor"] == .null)
        #expect(try await stack.admin("GET", "/api/admin/audit?to=2020-01-01T00:00:00Z").list("data.entries") == [])
        #expect(
          try await stack.admin("GET", "/api/admin/audit?from=2020-01-01T00:00:00Z").list("data.entries")?.count == 4)
        for query in ["action=steal", "user_id=bob", "from=yesterday", "cursor=x", "limit=0"] {
          #expect(try await stack.admin("GET", "/api/admin/audit?\(query)").status == 400)
        }
        #expect(try await stack.get("/api/admin/audit").status == 403)
      }
    }

    @Test("What an admin did while the database was away is in the audit when it is back")
    func databaseAway() async throws {
      try await GatewayStack.run { stack in
        try await PlayedScheduler.run(in: stack) { _ in
          try await stack.servers.postgres.stop(.fast)
          let answer = try await stack.admin("POST", "/api/admin/sending/stop")
          let login = try await stack.login("root", "secret")
          let change = try await stack.admin("POST", "/api/admin/users", #"{"username": "bob"}"#)
          try await stack.servers.postgres.start()
          #expect(answer.status == 200)
          #expect(login.status == 503)
          #expect(change.status == 503)
          try await eventually(within: .seconds(20), "the entry is written") {
            try await stack.admin("GET", "/api/admin/audit?action=sending.stop").list("data.entries")?.count == 1
          }
        }
      }
    }

    @Test("A daily limit is exact under 200 requests at once to two replicas")
    func dailyLimit() async throws {
      try await GatewayStack.run(replicas: 2) { stack in
        let id = try await stack.makeUser("bob", #", "daily_limit": 50"#)
        let token = try await stack.makeToken(of: id)
        let answers = try await withThrowingTaskGroup(of: RawHTTP.Answer.self) { group in
          for number in 0..<200 {
            group.addTask {
              try await stack.replicas[number % 2].request(
                "POST", "/api/sms", token: token, body: #"{"recipient": "91234567", "content": "\#(number)"}"#)
            }
          }
          return try await group.reduce(into: [RawHTTP.Answer]()) { $0.append($1) }
        }
        #expect(answers.filter { $0.status == 202 }.count == 50)
        let refused = try #require(answers.first { $0.status == 429 })
        #expect(answers.filter { $0.status == 429 }.count == 150)
        #expect(refused.string("error.code") == "RATE_LIMITED")
        #expect(refused.string("error.details.0.field") == "daily_limit")
        #expect((1...86_400).contains(refused.headers["retry-after"].flatMap { Int($0) } ?? 0))
        let used = try await stack.pool.query(
          "SELECT sms FROM accounts.daily_use WHERE user_id = \(UUID(uuidString: id))")
        #expect(try used.first?.decode("sms", as: Int.self) == 50)
        // It says what a send would.
        let estimate = try await stack.http.request(
          "POST", "/api/sms/estimate", token: token, body: #"{"recipient": "91234567", "content": "x"}"#)
        #expect(estimate.status == 429)
        #expect(try await stack.submissions(count: 50).count == 50)
      }
    }

    @Test("A repeat with its key counts once, a bulk counts its recipients, and what does not fit changes nothing")
    func counting() async throws {
      try await GatewayStack.run { stack in
        let id = try await stack.makeUser("bob", #", "daily_limit": 3"#)
        let token = try await stack.makeToken(of: id)
        @Sendable func post(_ body: String, key: String = "") async throws -> Int {
          try await stack.http.request(
            "POST", "/api/sms/send-bulk", token: token, headers: ["Idempotency-Key": key], body: body
          ).status
        }
        let two = #"{"recipients": ["91234567", "91234568"], "content": "Hi"}"#
        for _ in 0..<3 { #expect(try await post(two, key: "k") == 202) }
        #expect(try await post(two) == 429)
        // A refusal leaves the key free, and the count as it was.
        #expect(try await post(two, key: "other") == 429)
        #expect(try await post(two, key: "other") == 429)
        #expect(try await post(#"{"recipients": ["91234567"], "content": "Hi"}"#) == 202)
        #expect(try await post(#"{"recipients": ["91234567"], "content": "Hi"}"#) == 429)
        _ = try await stack.admin("PATCH", "/api/admin/users/\(id)", #"{"daily_limit": 4}"#)
        #expect(try await post(#"{"recipients": ["91234567"], "content": "Hi"}"#) == 202)
      }
    }

    @Test("While the database is away a limited user sends on, and what they sent counts afterwards")
    func countedLater() async throws {
      try await GatewayStack.run { stack in
        let id = try await stack.makeUser("bob", #", "daily_limit": 3"#)
        let token = try await stack.makeToken(of: id)
        @Sendable func post() async throws -> Int {
          try await stack.http.request(
            "POST", "/api/sms", token: token, body: #"{"recipient": "91234567", "content": "Hi"}"#
          ).status
        }
        #expect(try await post() == 202)
        try await stack.servers.postgres.stop(.fast)
        var statuses: [Int] = []
        for _ in 0..<4 { statuses.append(try await post()) }
        try await stack.servers.postgres.start()
        #expect(statuses == [202, 202, 202, 202])
        try await eventually(within: .seconds(20), "all five are counted") {
          try await stack.pool.query("SELECT sms FROM accounts.daily_use").first?.decode("sms", as: Int.self) == 5
        }
        #expect(try await post() == 429)
      }
    }
  }
}
