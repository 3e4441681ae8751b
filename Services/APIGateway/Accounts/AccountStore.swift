import Contracts
import Foundation
import Postgres

/// Users and tokens in PostgreSQL, as requests are judged by them.
struct AccountStore: Sendable {
  let pool: PostgresPool

  /// Every token and every session that works, with its user.
  func allTokens() async throws -> [TokenDirectory.Record] {
    try await pool.query(
      """
      \(Self.tokens)
      WHERE t.revoked_at IS NULL AND u.is_active AND (t.expires_at IS NULL OR t.expires_at > sluice.clock())
      UNION ALL
      \(Self.sessions) WHERE s.ended_at IS NULL AND u.is_active AND s.expires_at > sluice.clock()
      """
    ).compactMap(TokenDirectory.Record.init)
  }

  /// What changed within the last minute: tokens and sessions, or their users, also those that ended; and those that were
  /// deleted.
  func recentChanges() async throws -> (changed: [TokenDirectory.Record], gone: [TokenDigest]) {
    // Each part by one index; a condition on two tables at once would join all of both.
    let lately = PostgresQuery.time(ago: .seconds(60))
    let changed = try await pool.query(
      """
      \(Self.tokens)
      WHERE t.changed_at > \(lately)
      UNION ALL
      \(Self.tokens) WHERE u.changed_at > \(lately) AND t.changed_at <= \(lately)
      UNION ALL
      \(Self.sessions) WHERE s.changed_at > \(lately)
      UNION ALL
      \(Self.sessions) WHERE u.changed_at > \(lately) AND s.changed_at <= \(lately)
      """
    ).compactMap(TokenDirectory.Record.init)
    let gone = try await pool.query(
      "SELECT token_hash FROM accounts.gone_tokens WHERE gone_at > \(lately)"
    ).compactMap { TokenDigest(bytes: try $0.decode("token_hash")) }
    return (changed, gone)
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

  /// The weights of those of these users that there are.
  func weights(of users: Set<UserID>) async throws -> [UserID: Double] {
    let rows = try await pool.query("SELECT id, weight FROM accounts.users WHERE id = ANY (\(users.map(\.uuid)))")
    return try Dictionary(
      rows.map { (UserID(try $0.decode("id", as: UUID.self)), try $0.decode("weight", as: Double.self)) },
      uniquingKeysWith: { first, _ in first })
  }

  /// Keeps when tokens were last used.
  func keep(_ uses: [TokenDirectory.Kind: [TokenDigest: Timestamp]]) async throws {
    for (kind, uses) in uses {
      let table: PostgresQuery = kind == .named ? "accounts.tokens" : "accounts.sessions"
      // Sorted, so that no two replicas lock rows in different orders.
      let sorted = uses.sorted { $0.key.bytes.lexicographicallyPrecedes($1.key.bytes) }
      try await pool.query(
        """
        UPDATE \(table) t SET last_used_at = greatest(t.last_used_at, u.used_at)
        FROM unnest(\(sorted.map(\.key.bytes)), \(sorted.map(\.value.date))) AS u(token_hash, used_at)
        WHERE t.token_hash = u.token_hash
        """)
    }
  }

  /// Drops what nobody needs any more. Any number of replicas may do so at once.
  /// - Parameter auditDays: How long entries of the audit are kept.
  func clean(auditDays: Int) async throws {
    try await drop("accounts.gone_tokens", where: "gone_at < \(PostgresQuery.time(ago: .seconds(3_600)))")
    try await drop("accounts.sessions", where: "ended_at < \(PostgresQuery.time(ago: .seconds(86_400)))")
    try await drop("accounts.sessions", where: "expires_at < \(PostgresQuery.time(ago: .seconds(7 * 86_400)))")
    try await drop("accounts.daily_use", where: "day < (SELECT sluice.clock()::date - 7)")
    try await drop("accounts.daily_messages", where: "day < (SELECT sluice.clock()::date - 7)")
    try await drop("accounts.audit", where: "at < \(PostgresQuery.time(ago: .seconds(auditDays * 86_400)))")
  }

  /// In steps, so that no statement takes long.
  private func drop(_ table: PostgresQuery, where condition: PostgresQuery) async throws {
    let step = 2_000
    while try await pool.query(
      """
      DELETE FROM \(table) WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM \(table) WHERE \(condition) LIMIT \(step) FOR UPDATE SKIP LOCKED))
      """
    ).affected == step {}
  }

  private static let tokens: PostgresQuery = """
    SELECT t.token_hash, t.expires_at, t.revoked_at IS NULL AND u.is_active AS is_usable, false AS is_session,
      \(unsafeRaw: Principal.columns)
    FROM accounts.tokens t JOIN accounts.users u ON u.id = t.user_id
    """

  private static let sessions: PostgresQuery = """
    SELECT s.token_hash, s.expires_at, s.ended_at IS NULL AND u.is_active AS is_usable, true AS is_session,
      \(unsafeRaw: Principal.columns)
    FROM accounts.sessions s JOIN accounts.users u ON u.id = s.user_id
    """
}

extension TokenDirectory.Record {
  /// - Returns: `nil` for what is no digest.
  init?(_ row: PostgresRow) throws {
    guard let digest = TokenDigest(bytes: try row.decode("token_hash")) else { return nil }
    self.init(
      digest: digest, principal: try Principal(row),
      expiresAt: try row.decodeTime("expires_at"), isUsable: try row.decode("is_usable"),
      kind: try row.decode("is_session") ? .session : .named)
  }
}

extension Principal {
  /// What the initializer reads of `accounts.users u`.
  static let columns = """
    u.id AS user_id, u.username, u.is_admin, u.weight, u.max_class, u.daily_limit, u.api_rate, u.providers
    """

  init(_ row: PostgresRow) throws {
    self.init(
      userID: UserID(try row.decode("user_id", as: UUID.self)), username: try row.decode("username"),
      isAdmin: try row.decode("is_admin"), weight: try row.decode("weight"), limits: try UserLimits(row))
  }
}

extension UserLimits {
  /// Reads the columns max_class, daily_limit, api_rate and providers.
  init(_ row: PostgresRow) throws {
    self.init(
      maxClass: try row.decode("max_class", as: String?.self).flatMap { MessageClass(rawValue: $0) },
      dailyLimit: try row.decode("daily_limit"), requestRate: try row.decode("api_rate"),
      providers: try row.decode("providers", as: [String]?.self)?.sorted())
  }
}
