import Contracts
import Foundation
import Postgres
import TestSupport
import Testing

@testable import APIGateway

extension GatewayStack {
  /// Logs in.
  func login(
    _ username: String, _ password: String, at replica: Int = 0, headers: [String: String] = [:]
  ) async throws -> RawHTTP.Answer {
    try await replicas[replica].request(
      "POST", "/api/auth/login", headers: headers,
      body: #"{"username": "\#(username)", "password": "\#(password)"}"#)
  }

  /// Makes a user with a password and logs in.
  func loggedIn(_ username: String, at replica: Int = 0) async throws -> (id: String, token: String) {
    let id = try await makeUser(username, #", "password": "\#(username)'s password""#)
    let answer = try await login(username, "\(username)'s password", at: replica)
    guard let token = answer.string("data.access_token") else { throw RawHTTP.Failure(what: answer.body) }
    return (id, token)
  }
}

/// Logins, in two replicas over a real broker and a real database.
extension GatewayIntegrationTests {
  @Suite("Logins", .serialized)
  struct Logins {
    @Test("The first admin's password opens a session, which works like a token until the logout, everywhere")
    func session() async throws {
      try await GatewayStack.run(replicas: 2) { stack in
        let answer = try await stack.login("ROOT", "secret")
        #expect(answer.status == 200, "\(answer.body)")
        let token = try #require(answer.string("data.access_token"))
        #expect(answer.string("data.token_type") == "Bearer")
        #expect(answer.string("data.user.username") == "root" && answer.bool("data.user.is_admin") == true)
        let expiry = try #require(answer.string("data.expires_at").flatMap { Timestamp($0) })
        let hours = (expiry - .now()) / .seconds(3_600)
        #expect(hours > 11.9 && hours < 12.1)
        #expect(try await stack.admin("GET", "/api/admin/users", token: token).status == 200)
        try await stack.wait(for: 200, of: token, at: 1)
        // A session is no named token.
        let root = try #require(answer.string("data.user.id"))
        #expect(try await stack.admin("GET", "/api/admin/users/\(root)/tokens").list("data.tokens")?.count == 1)
        #expect(try await stack.admin("GET", "/api/admin/users/\(root)").string("data.last_login_at") != nil)

        #expect(try await stack.ask("POST", "/api/auth/logout", token: token).status == 200)
        #expect(try await stack.get("/api/auth/me", token: token).status == 401)
        try await stack.wait(for: 401, of: token, at: 1)
        let named = try await stack.ask("POST", "/api/auth/logout", token: GatewayStack.adminToken)
        #expect(named.status == 409)
        #expect(named.string("error.details.0.code") == "named_token")
        #expect(try await stack.get("/api/auth/me", token: GatewayStack.adminToken).status == 200)
      }
    }

    @Test("A wrong password, nobody's, a disabled user's and one of a user without any are answered alike")
    func refusals() async throws {
      try await GatewayStack.run { stack in
        _ = try await stack.makeUser("bob", #", "password": "bob's password""#)
        _ = try await stack.makeUser("eve", #", "password": "eve's password", "is_active": false"#)
        var bodies: Set<String> = []
        for (name, password) in [
          ("bob", "eve's password"), ("nobody", "bob's password"), ("eve", "eve's password"), ("ann", "bob's password"),
        ] {
          let answer = try await stack.login(name, password, headers: ["X-Request-ID": "same"])
          #expect(answer.status == 401, "\(name)")
          #expect(answer.string("error.code") == "UNAUTHORIZED")
          bodies.insert(answer.body)
        }
        #expect(bodies.count == 1)
        for body in [#"{"username": "bob"}"#, #"{"username": "bob", "password": 1}"#, "[]"] {
          #expect(try await stack.http.request("POST", "/api/auth/login", body: body).status == 400)
        }
      }
    }

    @Test("Guessing is stopped with a Retry-After, for one user alone, and a right password goes on elsewhere")
    func throttle() async throws {
      try await GatewayStack.run { stack in
        _ = try await stack.makeUser("bob", #", "password": "bob's password""#)
        for _ in 0..<10 { #expect(try await stack.login("bob", "guess").status == 401) }
        let start = ContinuousClock.now
        let refused = try await stack.login("Bob", "bob's password")
        #expect(refused.status == 429)
        #expect(refused.string("error.code") == "RATE_LIMITED")
        let seconds = try #require(refused.headers["retry-after"].flatMap { Int($0) })
        #expect((1...90).contains(seconds))
        #expect(ContinuousClock.now - start < .seconds(1))
        #expect(try await stack.login("root", "secret").status == 200)
      }
    }

    @Test("A new password ends all sessions of the user in every replica, and no token")
    func passwordChange() async throws {
      try await GatewayStack.run(replicas: 2) { stack in
        let (id, session) = try await stack.loggedIn("bob", at: 1)
        let token = try await stack.makeToken(of: id)
        try await stack.wait(for: 200, of: session, at: 0)
        let patch = #"{"password": "another password"}"#
        #expect(try await stack.admin("PATCH", "/api/admin/users/\(id)", patch).status == 200)
        for replica in 0..<2 {
          try await stack.wait(for: 401, of: session, at: replica)
          #expect(try await stack.replicas[replica].request("GET", "/api/auth/me", token: token).status == 200)
        }
        #expect(try await stack.login("bob", "bob's password").status == 401)
        #expect(try await stack.login("bob", "another password").status == 200)
      }
    }

    @Test("Whoever is disabled or deleted has no session any more, not even when they are enabled again")
    func ended() async throws {
      try await GatewayStack.run(replicas: 2) { stack in
        let (id, session) = try await stack.loggedIn("bob")
        try await stack.wait(for: 200, of: session, at: 1)
        #expect(try await stack.admin("PATCH", "/api/admin/users/\(id)", #"{"is_active": false}"#).status == 200)
        for replica in 0..<2 { try await stack.wait(for: 401, of: session, at: replica) }
        #expect(try await stack.login("bob", "bob's password").status == 401)
        #expect(try await stack.admin("PATCH", "/api/admin/users/\(id)", #"{"is_active": true}"#).status == 200)
        let again = try await stack.login("bob", "bob's password")
        let second = try #require(again.string("data.access_token"))
        #expect(try await stack.get("/api/auth/me", token: session).status == 401)
        try await stack.wait(for: 200, of: second, at: 1)
        #expect(try await stack.admin("DELETE", "/api/admin/users/\(id)").status == 200)
        for replica in 0..<2 { try await stack.wait(for: 401, of: second, at: replica) }
      }
    }

    @Test("A user who logs in again and again has a hundred sessions, the newest")
    func many() async throws {
      try await GatewayStack.run { stack in
        let (id, first) = try await stack.loggedIn("bob")
        try await stack.pool.query(
          """
          INSERT INTO accounts.sessions (id, user_id, token_hash, expires_at)
          SELECT gen_random_uuid(), \(UUID(uuidString: id)), sha256(convert_to(n::text, 'UTF8')), now() + interval '1 hour'
          FROM generate_series(1, 120) AS n
          """)
        let last = try await stack.login("bob", "bob's password")
        let token = try #require(last.string("data.access_token"))
        let open = try await stack.pool.query("SELECT 1 FROM accounts.sessions WHERE ended_at IS NULL").count
        #expect(open == 100)
        try await stack.wait(for: 401, of: first, at: 0)
        #expect(try await stack.get("/api/auth/me", token: token).status == 200)
      }
    }

    @Test("A hash with older parameters is made anew at the next login, and ends nothing")
    func rehash() async throws {
      try await GatewayStack.run { stack in
        let old = "scrypt$16384$8$1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI="
        try await stack.pool.query("UPDATE accounts.users SET password_hash = \(old) WHERE username = 'ann'")
        let first = try await stack.login("ann", "pleaseletmein")
        let token = try #require(first.string("data.access_token"))
        let hash = try await stack.pool.query("SELECT password_hash FROM accounts.users WHERE username = 'ann'")
        #expect(try hash.first?.decode("password_hash", as: String.self).hasPrefix("scrypt$32768$") == true)
        #expect(try await stack.login("ann", "pleaseletmein").status == 200)
        #expect(try await stack.get("/api/auth/me", token: token).status == 200)
      }
    }

    @Test("Two replicas that start without any admin print one password, and that one works")
    func generated() async throws {
      try await GatewayStack.run { stack in
        try await stack.pool.query("DELETE FROM accounts.users")
        let printed = PrintedLines()
        let admin = FirstAdmin(username: "admin", password: nil, token: nil) { printed.add($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
          for _ in 0..<4 {
            group.addTask { try await admin.create(in: FirstAdminStore(pool: stack.pool), stack.logger) }
          }
          try await group.waitForAll()
        }
        #expect(printed.lines.count == 1)
        let parts = try #require(printed.lines.first).split(separator: "\"")
        #expect(parts[1] == "admin")
        #expect(try await stack.login("admin", String(parts[3])).status == 200)
        // Another start prints nothing more.
        try await admin.create(in: FirstAdminStore(pool: stack.pool), stack.logger)
        #expect(printed.lines.count == 1)
      }
    }

    @Test("An admin who was deleted does not come back at the next start while there is another")
    func deletedAdmin() async throws {
      try await GatewayStack.run { stack in
        let id = try await stack.makeUser("other", #", "is_admin": true"#)
        let token = try await stack.makeToken(of: id)
        let root = try #require(try await stack.get("/api/auth/me", token: GatewayStack.adminToken).string("data.id"))
        #expect(try await stack.admin("DELETE", "/api/admin/users/\(root)", token: token).status == 200)
        try await stack.withFreshReplica { replica in
          let answer = try await replica.request("GET", "/api/auth/me", token: GatewayStack.adminToken)
          #expect(answer.status == 401)
        }
        let left = try await stack.pool.query("SELECT 1 FROM accounts.users WHERE username = 'root'")
        #expect(left.isEmpty)
      }
    }
  }
}
