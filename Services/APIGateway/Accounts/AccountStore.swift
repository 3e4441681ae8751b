import Contracts
import Foundation
import Postgres

/// Users and tokens in PostgreSQL.
struct AccountStore: Sendable {
  let pool: PostgresPool

  /// Every token, with its user.
  func allTokens() async throws -> [TokenDirectory.Record] {
    try await records(
      """
      SELECT t.token_hash, t.expires_at, t.revoked_at IS NULL AND u.is_active AS is_usable,
        u.id AS user_id, u.username, u.is_admin, u.weight
      FROM accounts.tokens t JOIN accounts.users u ON u.id = t.user_id
      """)
  }

  /// The tokens that changed within the last minute, or whose user did.
  func recentlyChangedTokens() async throws -> [TokenDirectory.Record] {
    try await records(
      """
      SELECT t.token_hash, t.expires_at, t.revoked_at IS NULL AND u.is_active AS is_usable,
        u.id AS user_id, u.username, u.is_admin, u.weight
      FROM accounts.tokens t JOIN accounts.users u ON u.id = t.user_id
      WHERE t.changed_at > sluice.clock() - interval '1 minute' OR u.changed_at > sluice.clock() - interval '1 minute'
      """)
  }

  func hasUser(named username: String) async throws -> Bool {
    try await pool.query("SELECT 1 AS found FROM accounts.users WHERE lower(username) = lower(\(username))").first
      != nil
  }

  func hasUser(_ id: UserID) async throws -> Bool {
    try await pool.query("SELECT 1 AS found FROM accounts.users WHERE id = \(id.uuid)").first != nil
  }

  /// The names of those of these users that there are.
  func usernames(of users: Set<UserID>) async throws -> [UserID: String] {
    let rows = try await pool.query(
      "SELECT id, username FROM accounts.users WHERE id = ANY (\(users.map(\.uuid)))")
    return try Dictionary(
      rows.map { (UserID(try $0.decode("id", as: UUID.self)), try $0.decode("username", as: String.self)) },
      uniquingKeysWith: { first, _ in first })
  }

  /// Creates an admin unless there is a user of that name. Any number of replicas may do so at once.
  func createAdmin(named username: String, passwordHash: String?) async throws {
    let hash: PostgresQuery = passwordHash.map { "\($0)" } ?? "NULL"
    try await pool.query(
      """
      INSERT INTO accounts.users (id, username, password_hash, is_admin)
      VALUES (\(UserID.timeOrdered().uuid), \(username), \(hash), true)
      ON CONFLICT (lower(username)) DO NOTHING
      """)
  }

  /// Gives a user a token unless it exists, be it revoked.
  func createToken(_ digest: TokenDigest, name: String, forUserNamed username: String) async throws {
    try await pool.query(
      """
      INSERT INTO accounts.tokens (id, user_id, name, token_hash)
      SELECT \(UserID.timeOrdered().uuid), id, \(name), \(digest.bytes)
      FROM accounts.users WHERE lower(username) = lower(\(username))
      ON CONFLICT (token_hash) DO NOTHING
      """)
  }

  private func records(_ query: PostgresQuery) async throws -> [TokenDirectory.Record] {
    try await pool.query(query).compactMap { row in
      guard let digest = TokenDigest(bytes: try row.decode("token_hash")) else { return nil }
      return TokenDirectory.Record(
        digest: digest,
        principal: Principal(
          userID: UserID(try row.decode("user_id", as: UUID.self)), username: try row.decode("username"),
          isAdmin: try row.decode("is_admin"), weight: try row.decode("weight")),
        expiresAt: try row.decode("expires_at", as: Date?.self).map(Timestamp.init),
        isUsable: try row.decode("is_usable"))
    }
  }
}
