import Contracts
import Foundation
import Postgres

/// Logins in PostgreSQL.
struct SessionStore: Sendable {
  let pool: PostgresPool

  /// Sessions of one user that are open at once: who logs in again and again fills no gateway's memory.
  static let perUser = 100

  /// Who a login may be.
  struct Account: Sendable {
    var principal: Principal
    var isActive: Bool
    /// As it is stored.
    var storedHash: String?
  }

  /// Where a session comes from, for people who look at it.
  struct Origin: Sendable {
    var address: String?
    var userAgent: String?
  }

  /// The user of this name, however it is typed; of several that differ by that alone the one that is typed so.
  func account(named username: String) async throws -> Account? {
    try await pool.query(
      """
      SELECT \(unsafeRaw: Principal.columns), u.is_active, u.password_hash FROM accounts.users u
      WHERE lower(u.username) IN (SELECT lower(name) FROM unnest(\(PreparedUsername.spellings(of: username))) AS name)
      ORDER BY lower(u.username) <> lower(\(username)) LIMIT 1
      """
    ).first.map { row in
      Account(
        principal: try Principal(row), isActive: try row.decode("is_active"),
        storedHash: try row.decode("password_hash"))
    }
  }

  /// Begins a session of a user whose password was right, if it still is the one and they are still active. Beyond
  /// `perUser` the oldest end.
  func begin(
    _ digest: TokenDigest, of account: Account, hours: Int, _ origin: Origin
  ) async throws -> TokenDirectory.Record? {
    try await pool.query(
      """
      WITH who AS (
        UPDATE accounts.users u SET last_login_at = sluice.clock()
        WHERE id = \(account.principal.userID.uuid) AND is_active AND password_hash = \(account.storedHash)
        RETURNING \(unsafeRaw: Principal.columns)),
      begun AS (
        INSERT INTO accounts.sessions (id, user_id, token_hash, expires_at, address, user_agent)
        SELECT \(UserID.timeOrdered().uuid), user_id, \(digest.bytes), sluice.clock() + \(hours) * interval '1 hour',
          \(origin.address), \(origin.userAgent)
        FROM who RETURNING token_hash, expires_at),
      ended AS (
        UPDATE accounts.sessions SET ended_at = sluice.clock()
        WHERE EXISTS (SELECT FROM who) AND id = ANY (ARRAY(
          SELECT id FROM accounts.sessions
          WHERE user_id = \(account.principal.userID.uuid) AND ended_at IS NULL AND expires_at > sluice.clock()
          ORDER BY created_at DESC, id DESC OFFSET \(Self.perUser - 1))))
      SELECT who.*, begun.token_hash, begun.expires_at, true AS is_usable, true AS is_session FROM who, begun
      """
    ).first.flatMap { try TokenDirectory.Record($0) }
  }

  /// Replaces a hash that was made with other parameters; the password is the same.
  func rehash(_ account: Account, as hash: String) async throws {
    try await pool.query(
      """
      UPDATE accounts.users SET password_hash = \(hash)
      WHERE id = \(account.principal.userID.uuid) AND password_hash = \(account.storedHash)
      """)
  }

  func end(_ digest: TokenDigest) async throws {
    try await pool.query(
      "UPDATE accounts.sessions SET ended_at = sluice.clock() WHERE token_hash = \(digest.bytes) AND ended_at IS NULL")
  }
}
