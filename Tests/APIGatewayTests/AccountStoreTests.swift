import AMQP
import Contracts
import Foundation
import Postgres
import TestSupport
import Testing

@testable import APIGateway

/// What the gateway reads and drops, and what it tells others, over a real database.
@Suite("Accounts in the database")
struct AccountStoreTests {
  private static func run(_ body: @escaping @Sendable (GatewayFixture) async throws -> Void) async throws {
    try await GatewayFixture.run(database: try await PostgresCluster.shared().makeDatabase()) { try await body($0) }
  }

  private static func add(_ username: String, to pool: PostgresPool, password: String? = nil) async throws -> UUID {
    let id = UserID.timeOrdered().uuid
    let hash = try password.map { try PasswordHash.make(of: $0) }
    try await pool.query(
      "INSERT INTO accounts.users (id, username, password_hash) VALUES (\(id), \(username), \(hash))")
    return id
  }

  /// Adds a token and a session.
  private static func addTokens(_ name: String, of user: UUID, to pool: PostgresPool) async throws {
    try await pool.query(
      """
      INSERT INTO accounts.tokens (id, user_id, name, token_hash)
      VALUES (gen_random_uuid(), \(user), \(name), \(TokenDigest(token: name).bytes))
      """)
    try await pool.query(
      """
      INSERT INTO accounts.sessions (id, user_id, token_hash, created_at, expires_at)
      VALUES (gen_random_uuid(), \(user), \(TokenDigest(token: name + " session").bytes), now() - interval '9 days',
        now() + interval '1 hour')
      """)
  }

  @Test("What is read every two seconds and what is dropped every hour is served by indexes, however many there are")
  func plans() async throws {
    let cluster = try await PostgresCluster.shared()
    let url = try await cluster.makeDatabase()
    try await GatewayFixture.run(database: url) { gateway in
      let user = try await Self.add("eve", to: gateway.pool)
      try await Self.addTokens("good", of: user, to: gateway.pool)
      let plans = try await PlanLog(cluster: cluster, url: url)
      let found = try await plans.unserved { pool in
        let store = AccountStore(pool: pool)
        #expect(try await store.recentChanges().changed.count == 2)
        try await store.clean(auditDays: 30)
        _ = try await IdempotencyRetention(store: IdempotencyStore(pool: pool), days: 30).round()
      }
      #expect(found == [])
    }
  }

  @Test("Of all tokens those that work are read, and of what changed also those that ended")
  func readings() async throws {
    try await Self.run { (gateway: GatewayFixture) async throws -> Void in
      let pool = gateway.pool
      let ann = try await Self.add("eve", to: pool)
      let bob = try await Self.add("bob", to: pool)
      for name in ["good", "revoked", "expired"] { try await Self.addTokens(name, of: ann, to: pool) }
      try await Self.addTokens("disabled", of: bob, to: pool)
      try await pool.query("UPDATE accounts.users SET is_active = false WHERE id = \(bob)")
      try await pool.query("UPDATE accounts.tokens SET revoked_at = now() WHERE name = 'revoked'")
      try await pool.query("UPDATE accounts.tokens SET expires_at = now() - interval '1 s' WHERE name = 'expired'")
      for name in ["revoked session", "expired session"] {
        try await pool.query(
          "UPDATE accounts.sessions SET ended_at = now() WHERE token_hash = \(TokenDigest(token: name).bytes)")
      }
      let store = AccountStore(pool: pool)
      let good: Set = [TokenDigest(token: "good"), TokenDigest(token: "good session")]
      #expect(Set(try await store.allTokens().map(\.digest)) == good)
      let changed = try await store.recentChanges().changed
      #expect(changed.count == 8)
      let ended = Set(changed.filter { !$0.isUsable }.map(\.digest))
      let expected = ["revoked", "revoked session", "expired session", "disabled", "disabled session"]
      #expect(ended == Set(expected.map { TokenDigest(token: $0) }))
    }
  }

  @Test("Sessions that ended are dropped after a day, and open ones stay")
  func droppedSessions() async throws {
    try await Self.run { (gateway: GatewayFixture) async throws -> Void in
      let user = try await Self.add("eve", to: gateway.pool)
      for name in ["open", "ended", "old"] { try await Self.addTokens(name, of: user, to: gateway.pool) }
      for (name, hours) in [("ended", 23), ("old", 25)] {
        try await gateway.pool.query(
          """
          UPDATE accounts.sessions SET ended_at = now() - \(hours) * interval '1 hour'
          WHERE token_hash = \(TokenDigest(token: name + " session").bytes)
          """)
      }
      try await AccountStore(pool: gateway.pool).clean(auditDays: 1)
      let left = try await gateway.pool.query("SELECT token_hash FROM accounts.sessions").map { row in
        try row.decode("token_hash", as: [UInt8].self)
      }
      #expect(Set(left) == Set(["open", "ended"].map { TokenDigest(token: $0 + " session").bytes }))
    }
  }

  @Test("A user's open sessions have an index of their own, by age")
  func openSessions() async throws {
    try await Self.run { (gateway: GatewayFixture) async throws -> Void in
      let found = try await gateway.pool.query(
        """
        SELECT indexdef FROM pg_indexes WHERE schemaname = 'accounts' AND tablename = 'sessions'
          AND indexdef LIKE '%(user_id, created_at) WHERE (ended_at IS NULL)'
        """)
      #expect(found.count == 1)
    }
  }

  @Test("A login and a logout tell the others who it is, and nothing of rights that may be older than theirs")
  func announced() async throws {
    try await Self.run { (gateway: GatewayFixture) async throws -> Void in
      let id = UserID(try await Self.add("eve", to: gateway.pool, password: "eve's password"))
      let login = try await gateway.http.request(
        "POST", "/api/auth/login", body: #"{"username": "eve", "password": "eve's password"}"#)
      #expect(login.status == 200, "\(login.body)")
      let came = try gateway.publisher.command(UserChanged.self).body
      #expect(came.userID == id && came.isActive)
      #expect(came.isAdmin == nil && came.limits == nil)
      gateway.publisher.state.withLockedValue { $0.messages.removeAll() }
      let token = try #require(login.string("data.access_token"))
      let logout = try await gateway.http.request("POST", "/api/auth/logout", token: token)
      #expect(logout.status == 200)
      #expect(logout.bool("success") == true && logout["data"] == .object([]) && logout.string("message") != nil)
      let went = try gateway.publisher.command(UserChanged.self).body
      #expect(went.userID == id && went.isActive)
      #expect(went.isAdmin == nil && went.limits == nil)
    }
  }
}
