import Contracts
import Foundation
import Postgres
import TestSupport
import Testing

@testable import APIGateway

/// Users and their tokens, in two replicas over a real broker and a real database.
extension GatewayIntegrationTests {
  @Suite("Accounts", .serialized)
  struct Accounts {
    @Test("An admin whom the database knows no more makes nothing, however new that is")
    func demoted() async throws {
      try await GatewayStack.run { stack in
        let root = try await stack.admin("GET", "/api/auth/me").string("data.id") ?? ""
        // By hand, so that no fact tells it: this replica finds it at the next reading.
        try await stack.pool.query("UPDATE accounts.users SET is_admin = false WHERE username = 'root'")
        let user = try await stack.admin("POST", "/api/admin/users", #"{"username": "eve"}"#)
        let back = try await stack.admin("PATCH", "/api/admin/users/\(root)", #"{"is_admin": true}"#)
        let token = try await stack.admin("POST", "/api/admin/users/\(stack.user)/tokens", #"{"name": "x"}"#)
        for answer in [user, back, token] { #expect(answer.status == 403, "\(answer.body)") }
        let made = try await stack.pool.query(
          "SELECT (SELECT count(*) FROM accounts.users) + (SELECT count(*) FROM accounts.tokens) AS n"
        ).first?.decode("n", as: Int.self)
        #expect(made == 4)
      }
    }

    @Test("What a deleted user left in the queue can still be held back; who never was is not known")
    func deletedTraffic() async throws {
      try await GatewayStack.run { stack in
        let made = try await stack.admin("POST", "/api/admin/users", #"{"username": "eve"}"#)
        let eve = try #require(made.string("data.id").flatMap { UserID($0) })
        try await ReadTables.insert(.timeOrdered(), user: eve, total: 1, into: stack.pool)
        let deleted = try await stack.admin("DELETE", "/api/admin/users/\(eve)")
        #expect(deleted.status == 200)
        // Nobody plays the scheduler here: it is carried out later.
        let cancelled = try await stack.admin("POST", "/api/admin/users/\(eve)/cancel-all")
        #expect(cancelled.status == 202)
        let nobody = try await stack.admin("POST", "/api/admin/users/\(UserID.timeOrdered())/cancel-all")
        #expect(nobody.status == 404)
      }
    }

    @Test("A user is made, shown, listed, changed and deleted, and the hash of the password never shows")
    func users() async throws {
      try await GatewayStack.run { stack in
        let made = try await stack.admin(
          "POST", "/api/admin/users",
          #"{"username": "Bob", "password": "bob's password", "weight": 2.5, "max_class": "normal", "daily_limit": 100, "api_rate": 7, "providers": ["provider1"]}"#
        )
        #expect(made.status == 201, "\(made.body)")
        let id = try #require(made.string("data.id"))
        #expect(made.headers["location"] == "/api/admin/users/\(id)")
        for (field, value) in [("username", "Bob"), ("max_class", "normal"), ("providers.0", "provider1")] {
          #expect(made.string("data.\(field)") == value)
        }
        for (field, value) in [("weight", 2.5), ("daily_limit", 100), ("api_rate", 7), ("token_count", 0)] {
          #expect(made.number("data.\(field)") == value)
        }
        #expect(made.bool("data.is_admin") == false && made.bool("data.is_active") == true)
        #expect(made["data.last_login_at"] == .null)
        #expect(!made.body.contains("scrypt") && !made.body.contains("password"))

        let taken = try await stack.admin("POST", "/api/admin/users", #"{"username": "bOB"}"#)
        #expect(taken.status == 409)
        #expect(taken.string("error.code") == "CONFLICT")
        #expect(taken.string("error.details.0.field") == "username")
        let renamed = try await stack.admin("PATCH", "/api/admin/users/\(id)", #"{"username": "ANN"}"#)
        #expect(renamed.status == 409)

        let changed = try await stack.admin(
          "PATCH", "/api/admin/users/\(id)", #"{"daily_limit": null, "weight": 4, "providers": null}"#)
        #expect(changed.status == 200, "\(changed.body)")
        #expect(changed["data.daily_limit"] == .null && changed["data.providers"] == .null)
        #expect(changed.number("data.weight") == 4 && changed.number("data.api_rate") == 7)
        let shown = try await stack.admin("GET", "/api/admin/users/\(id)")
        #expect(shown["data"] == changed["data"])

        let list = try await stack.admin("GET", "/api/admin/users?limit=2")
        #expect(list.list("data.users")?.count == 2)
        #expect(list.string("data.users.0.username") == "ann" && list.string("data.users.1.username") == "Bob")
        let cursor = try #require(list.string("data.next_cursor"))
        let rest = try await stack.admin("GET", "/api/admin/users?limit=2&cursor=\(cursor)")
        #expect(rest.string("data.users.0.username") == "root" && rest["data.next_cursor"] == .null)
        #expect(try await stack.admin("GET", "/api/admin/users?q=OB").list("data.users")?.count == 1)
        #expect(try await stack.admin("GET", "/api/admin/users?is_active=false").list("data.users")?.count == 0)
        #expect(try await stack.admin("GET", "/api/admin/users?cursor=xyz").status == 400)
        #expect(try await stack.admin("GET", "/api/admin/users?colour=red").status == 400)

        #expect(try await stack.admin("DELETE", "/api/admin/users/\(id)").status == 200)
        #expect(try await stack.admin("DELETE", "/api/admin/users/\(id)").status == 404)
        #expect(try await stack.admin("GET", "/api/admin/users/\(id)").status == 404)
        #expect(try await stack.admin("PATCH", "/api/admin/users/\(id)", #"{"weight": 1}"#).status == 404)
        #expect(try await stack.admin("GET", "/api/admin/users", token: GatewayStack.userToken).status == 403)
      }
    }

    @Test("A token is shown once, listed without itself, counted, and gone from every replica when it is revoked")
    func tokens() async throws {
      try await GatewayStack.run(replicas: 2) { stack in
        let path = "/api/admin/users/\(stack.user)/tokens"
        let made = try await stack.admin("POST", path, #"{"name": "billing", "expires_at": "2099-01-01T00:00:00Z"}"#)
        #expect(made.status == 201, "\(made.body)")
        let token = try #require(made.string("data.token"))
        let id = try #require(made.string("data.id"))
        #expect(token.hasPrefix("sluice_") && token.utf8.count == 50)
        // It works at once where it was made.
        #expect(try await stack.get("/api/auth/me", token: token).string("data.username") == "ann")
        try await stack.wait(for: 200, of: token, at: 1)

        let list = try await stack.admin("GET", "\(path)?limit=1")
        #expect(list.list("data.tokens")?.count == 1)
        #expect(!list.body.contains(token))
        let cursor = try #require(list.string("data.next_cursor"))
        let second = try await stack.admin("GET", "\(path)?limit=1&cursor=\(cursor)")
        let names = [list, second].compactMap { $0.string("data.tokens.0.name") }
        #expect(Set(names) == ["billing", "test"])
        let found = [list, second].first { $0.string("data.tokens.0.name") == "billing" }
        #expect(found?.string("data.tokens.0.expires_at") == "2099-01-01T00:00:00.000Z")
        #expect(found?["data.tokens.0.last_used_at"] == .null)
        #expect(try await stack.admin("GET", "/api/admin/users/\(stack.user)").number("data.token_count") == 2)

        #expect(try await stack.admin("DELETE", "\(path)/\(id)").status == 200)
        #expect(try await stack.get("/api/auth/me", token: token).status == 401)
        try await stack.wait(for: 401, of: token, at: 1)
        #expect(try await stack.admin("DELETE", "\(path)/\(id)").status == 404)
        #expect(try await stack.admin("GET", path).list("data.tokens")?.count == 1)

        for body in [
          #"{}"#, #"{"name": ""}"#, #"{"name": "x", "expires_at": "2001-01-01T00:00:00Z"}"#, #"{"name": 1}"#,
          #"{"name": "x", "scope": "all"}"#,
        ] {
          #expect(try await stack.admin("POST", path, body).status == 400, "\(body)")
        }
        let nobody = try await stack.admin("POST", "/api/admin/users/\(UserID.timeOrdered())/tokens", #"{"name": "x"}"#)
        #expect(nobody.status == 404)
      }
    }

    @Test("Whoever is disabled in one replica is out of the other, at once by the fact, and back when enabled")
    func disabled() async throws {
      // Nothing is read again within the test unless a fact asks for it.
      try await GatewayStack.run(replicas: 2, readingEvery: .seconds(3_600)) { stack in
        let id = try await stack.makeUser("bob")
        let token = try await stack.makeToken(of: id)
        for round in 0..<4 {
          let off = try await stack.admin("PATCH", "/api/admin/users/\(id)", #"{"is_active": false}"#, at: round % 2)
          #expect(off.status == 200, "\(off.body)")
          let here = try await stack.replicas[round % 2].request("GET", "/api/auth/me", token: token)
          #expect(here.status == 401)
          try await stack.wait(for: 401, of: token, at: 1 - round % 2)
          let on = try await stack.admin("PATCH", "/api/admin/users/\(id)", #"{"is_active": true}"#, at: round % 2)
          #expect(on.status == 200)
          for replica in 0..<2 { try await stack.wait(for: 200, of: token, at: replica) }
        }
      }
    }

    @Test("A demotion, a limit and a deletion reach the other replica, and a deleted user's tokens work nowhere")
    func spread() async throws {
      try await GatewayStack.run(replicas: 2) { stack in
        let id = try await stack.makeUser("bob", #", "is_admin": true"#)
        let token = try await stack.makeToken(of: id)
        #expect(try await stack.admin("GET", "/api/admin/users", at: 1, token: token).status == 200)
        let patch = #"{"is_admin": false, "daily_limit": 9, "max_class": "bulk"}"#
        #expect(try await stack.admin("PATCH", "/api/admin/users/\(id)", patch).status == 200)
        for replica in 0..<2 {
          try await eventually(within: .seconds(5), "no admin any more, and limited") {
            let refused = try await stack.admin("GET", "/api/admin/users", at: replica, token: token).status == 403
            let me = try await stack.replicas[replica].request("GET", "/api/auth/me", token: token)
            return refused && me.number("data.daily_limit") == 9 && me.string("data.max_class") == "bulk"
          }
        }
        #expect(try await stack.admin("DELETE", "/api/admin/users/\(id)").status == 200)
        #expect(try await stack.get("/api/auth/me", token: token).status == 401)
        try await stack.wait(for: 401, of: token, at: 1)
      }
    }

    @Test("Among thousands of tokens, and with no fact at all, disabling, revoking and deleting shows within 5 s")
    func withoutFacts() async throws {
      try await GatewayStack.run(replicas: 2) { stack in
        var tokens: [String] = []
        var ids: [String] = []
        for name in ["bob", "eve", "joe"] {
          ids.append(try await stack.makeUser(name))
          tokens.append(try await stack.makeToken(of: ids[ids.count - 1]))
        }
        try await stack.pool.query(
          """
          INSERT INTO accounts.tokens (id, user_id, name, token_hash)
          SELECT gen_random_uuid(), \(stack.user.uuid), 'many', sha256(convert_to(n::text, 'UTF8'))
          FROM generate_series(1, 2500) AS n
          """)
        for replica in 0..<2 {
          try await eventually(within: .seconds(10), "thousands of tokens are known") {
            try await stack.replicas[replica].request("GET", "/api/auth/me", token: "2500").status == 200
          }
        }
        // By hand, so nobody is told.
        try await stack.pool.query("UPDATE accounts.users SET is_active = false WHERE id = \(UUID(uuidString: ids[0]))")
        try await stack.pool.query(
          "UPDATE accounts.tokens SET revoked_at = now() WHERE user_id = \(UUID(uuidString: ids[1]))")
        try await stack.pool.query("DELETE FROM accounts.users WHERE id = \(UUID(uuidString: ids[2]))")
        let start = ContinuousClock.now
        for token in tokens { for replica in 0..<2 { try await stack.wait(for: 401, of: token, at: replica) } }
        #expect(ContinuousClock.now - start < .seconds(5))
        #expect(try await stack.replicas[1].request("GET", "/api/auth/me", token: "1").status == 200)
      }
    }

    @Test("Nobody takes themselves away, and of two admins who take each other away at once one stays")
    func lastAdmin() async throws {
      try await GatewayStack.run(replicas: 2) { stack in
        let root = try #require(try await stack.get("/api/auth/me", token: GatewayStack.adminToken).string("data.id"))
        for (method, body) in [
          ("PATCH", #"{"is_admin": false}"#), ("PATCH", #"{"is_active": false}"#), ("DELETE", nil),
        ] {
          let answer = try await stack.admin(method, "/api/admin/users/\(root)", body)
          #expect(answer.status == 409, "\(answer.body)")
          #expect(answer.string("error.details.0.code") == "self")
        }
        for round in 0..<5 {
          let other = try await stack.makeUser("other\(round)", #", "is_admin": true"#)
          let token = try await stack.makeToken(of: other)
          let body = round.isMultiple(of: 2) ? #"{"is_admin": false}"# : #"{"is_active": false}"#
          async let first = stack.admin("PATCH", "/api/admin/users/\(other)", body, at: 0)
          async let second = stack.admin("PATCH", "/api/admin/users/\(root)", body, at: 1, token: token)
          let statuses = [try await first.status, try await second.status]
          #expect(statuses.filter { $0 == 200 }.count == 1, "\(statuses)")
          let left = try await stack.pool.query("SELECT 1 FROM accounts.users WHERE is_admin AND is_active").count
          #expect(left == 1)
          // Whoever lost is made an admin again by hand, and the other goes.
          try await stack.pool.query(
            "UPDATE accounts.users SET is_admin = true, is_active = true WHERE id = \(UUID(uuidString: root))")
          for replica in 0..<2 {
            try await eventually(within: .seconds(5), "root is back") {
              try await stack.admin("GET", "/api/admin/users", at: replica).status == 200
            }
          }
          #expect(try await stack.admin("DELETE", "/api/admin/users/\(other)").status == 200)
        }
      }
    }
  }
}
