import Contracts
import Postgres

/// The first admin in PostgreSQL.
struct FirstAdminStore: Sendable {
  let pool: PostgresPool

  /// Whether anybody can administer.
  func hasAdmin() async throws -> Bool {
    try await pool.query("SELECT 1 AS found FROM accounts.users WHERE is_admin AND is_active LIMIT 1").first != nil
  }

  /// Creates an admin unless there is one by now, or a user of that name.
  /// - Returns: Whether it was this call that did.
  func createAdmin(named username: String, passwordHash: String?) async throws -> Bool {
    try await pool.withTransaction { connection in
      // Of several that look at once the others wait here and find the first one's.
      try await connection.query("LOCK TABLE accounts.users IN SHARE ROW EXCLUSIVE MODE")
      return try await connection.query(
        """
        INSERT INTO accounts.users (id, username, password_hash, is_admin, password_changed_at)
        SELECT \(UserID.timeOrdered().uuid), \(username), \(passwordHash), true, sluice.clock()
        WHERE NOT EXISTS (SELECT FROM accounts.users WHERE is_admin AND is_active)
        ON CONFLICT (lower(username)) DO NOTHING
        """
      ).affected == 1
    }
  }

  /// Gives an admin a token unless it exists, be it revoked.
  func createToken(_ digest: TokenDigest, name: String, forAdminNamed username: String) async throws {
    try await pool.query(
      """
      INSERT INTO accounts.tokens (id, user_id, name, token_hash)
      SELECT \(UserID.timeOrdered().uuid), id, \(name), \(digest.bytes)
      FROM accounts.users WHERE lower(username) = lower(\(username)) AND is_admin
      ON CONFLICT (token_hash) DO NOTHING
      """)
  }
}
