import Contracts
import Foundation
import Postgres
import TestSupport
import Testing

@testable import APIGateway

/// What the gateway writes and drops beside its requests.
extension GatewayIntegrationTests {
  @Suite("Upkeep of accounts", .serialized)
  struct AccountUpkeep {
    @Test("When a token was used is kept in batches, not by the request")
    func lastUse() async throws {
      try await GatewayStack.run { stack in
        let store = AccountStore(pool: stack.pool)
        let digest = TokenDigest(token: GatewayStack.userToken)
        #expect(try await stack.get("/api/auth/me").status == 200)
        let before = try await stack.pool.query(
          "SELECT 1 FROM accounts.tokens WHERE token_hash = \(digest.bytes) AND last_used_at IS NULL")
        #expect(before.count == 1)
        let changed = try await stack.pool.query(
          "SELECT changed_at FROM accounts.tokens WHERE token_hash = \(digest.bytes)")
        var directory = TokenDirectory()
        directory.replaceAll([
          TokenDirectory.Record(digest: digest, principal: .ann(), expiresAt: nil, isUsable: true)
        ])
        let time = Timestamp(microseconds: Timestamp.now().microseconds)
        _ = directory.use(digest, at: time)
        try await store.keep(directory.takeUses())
        // An older use that comes later moves nothing back.
        _ = directory.use(digest, at: time + .seconds(-60))
        try await store.keep(directory.takeUses())
        let tokens = try await stack.admin("GET", "/api/admin/users/\(stack.user)/tokens")
        #expect(tokens.string("data.tokens.0.last_used_at") == time.description)
        let after = try await stack.pool.query(
          "SELECT changed_at FROM accounts.tokens WHERE token_hash = \(digest.bytes)")
        #expect(
          try after.first?.decode("changed_at", as: Date.self) == changed.first?.decode("changed_at", as: Date.self))
        #expect(directory.takeUses().isEmpty)
      }
    }

    @Test("Old rows go, in steps, and what is not old stays")
    func cleaning() async throws {
      try await GatewayStack.run { stack in
        try await stack.pool.query(
          """
          INSERT INTO accounts.audit (id, at, action, details, outcome)
          SELECT gen_random_uuid(), now() - n * interval '1 hour', 'old', '{}', 'done' FROM generate_series(1, 5000) AS n
          """)
        try await stack.pool.query(
          """
          INSERT INTO accounts.daily_messages (message_id, user_id, day, sms)
          SELECT gen_random_uuid(), \(stack.user.uuid), current_date - n, 1 FROM generate_series(0, 20) AS n
          """)
        try await AccountStore(pool: stack.pool).clean(auditDays: 10)
        let left = try await stack.pool.query(
          """
          SELECT (SELECT count(*) FROM accounts.audit WHERE action = 'old') AS audit,
            (SELECT count(*) FROM accounts.daily_messages) AS messages
          """)
        #expect(try left.first?.decode("audit", as: Int.self) ?? 0 >= 239)
        #expect(try left.first?.decode("audit", as: Int.self) ?? 0 <= 240)
        #expect(try (8...9).contains(left.first?.decode("messages", as: Int.self) ?? 0))
      }
    }
  }
}
