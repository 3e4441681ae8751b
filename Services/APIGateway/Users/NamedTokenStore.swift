import Contracts
import Foundation
import Postgres

/// Named tokens in PostgreSQL.
struct NamedTokenStore: Sendable {
  let pool: PostgresPool

  /// Tokens of one user that work at once: nobody fills a gateway's memory.
  static let perUser = 500

  /// Up to `limit` tokens of a user that were not revoked, newest first, behind an id.
  func tokens(of user: UserID, after id: UUID?, limit: Int) async throws -> [NamedToken] {
    let behind: PostgresQuery = id.map { "AND id < \($0)" } ?? ""
    return try await pool.query(
      """
      SELECT \(unsafeRaw: NamedToken.columns) FROM accounts.tokens
      WHERE user_id = \(user.uuid) AND revoked_at IS NULL \(behind) ORDER BY id DESC LIMIT \(limit)
      """
    ).map(NamedToken.init)
  }

  /// - Returns: The token, and as what the directory knows it.
  /// - Throws: `NOT_FOUND` when there is no such user, `CONFLICT` when they have too many.
  func create(
    _ draft: TokenDraft, _ digest: TokenDigest, of user: UserID
  ) async throws -> (NamedToken, TokenDirectory.Record) {
    let row = try await pool.query(
      """
      WITH made AS (
        INSERT INTO accounts.tokens (id, user_id, name, token_hash, expires_at)
        SELECT \(UserID.timeOrdered().uuid), id, \(draft.name), \(digest.bytes), \(draft.expiresAt?.date)
        FROM accounts.users WHERE id = \(user.uuid) AND \(Self.perUser) > (
          SELECT count(*) FROM accounts.tokens
          WHERE user_id = \(user.uuid) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > sluice.clock()))
        RETURNING \(unsafeRaw: NamedToken.columns), user_id, token_hash)
      SELECT made.id, made.name, made.created_at, made.expires_at, made.last_used_at, made.token_hash,
        u.is_active AS is_usable, false AS is_session, \(unsafeRaw: Principal.columns)
      FROM made JOIN accounts.users u ON u.id = made.user_id
      """
    ).first
    guard let row, let record = try TokenDirectory.Record(row) else {
      let isKnown = try await pool.query("SELECT 1 AS found FROM accounts.users WHERE id = \(user.uuid)").first != nil
      guard isKnown else { throw APIError(.notFound, "No such user") }
      throw APIError(
        .conflict, "At most \(Self.perUser) tokens of a user work at once",
        details: [.init("name", "too_many", "Revoke one first")])
    }
    return (try NamedToken(row), record)
  }

  /// What became of a token, and whose it was.
  struct Revoked: Sendable {
    var digest: TokenDigest?
    var name: String
    var change: UserChanged
  }

  /// - Returns: `nil` when the user has no such token, or not any more.
  func revoke(_ id: UUID, of user: UserID) async throws -> Revoked? {
    try await pool.query(
      """
      UPDATE accounts.tokens t SET revoked_at = sluice.clock() FROM accounts.users u
      WHERE t.id = \(id) AND t.user_id = \(user.uuid) AND t.revoked_at IS NULL AND u.id = t.user_id
      RETURNING t.token_hash, t.name, u.is_active, \(unsafeRaw: Principal.columns)
      """
    ).first.map { row in
      Revoked(
        digest: TokenDigest(bytes: try row.decode("token_hash")), name: try row.decode("name"),
        change: UserChanged(try Principal(row), isActive: try row.decode("is_active")))
    }
  }
}

extension UserChanged {
  /// As the other replicas are told of a user.
  init(_ principal: Principal, isActive: Bool) {
    self.init(
      userID: principal.userID, isActive: isActive, weight: principal.weight, isAdmin: principal.isAdmin,
      limits: .init(principal.limits))
  }
}
