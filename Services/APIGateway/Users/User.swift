import Contracts
import Foundation
import Postgres

/// A user as admins see them.
struct User: Sendable {
  var id: UserID
  var username: String
  var isAdmin: Bool
  var isActive: Bool
  var weight: Double
  var limits: UserLimits
  var createdAt: Timestamp
  var changedAt: Timestamp
  var lastLoginAt: Timestamp?
  /// Named tokens that work.
  var tokenCount: Int

  /// As the other replicas are told.
  var change: UserChanged {
    UserChanged(userID: id, isActive: isActive, weight: weight, isAdmin: isAdmin, limits: .init(limits))
  }
}

extension User {
  /// What the initializer reads of `accounts.users u`.
  static let columns = """
    \(Principal.columns), u.is_active, u.created_at, u.changed_at, u.last_login_at,
    (SELECT count(*) FROM accounts.tokens t WHERE t.user_id = u.id AND t.revoked_at IS NULL
      AND (t.expires_at IS NULL OR t.expires_at > sluice.clock())) AS token_count
    """

  init(_ row: PostgresRow) throws {
    id = UserID(try row.decode("user_id", as: UUID.self))
    username = try row.decode("username")
    isAdmin = try row.decode("is_admin")
    isActive = try row.decode("is_active")
    weight = try row.decode("weight")
    limits = try UserLimits(row)
    createdAt = Timestamp(try row.decode("created_at", as: Date.self))
    changedAt = Timestamp(try row.decode("changed_at", as: Date.self))
    lastLoginAt = try row.decodeTime("last_login_at")
    tokenCount = try row.decode("token_count")
  }

  /// - Parameter isPaused: Whether all of the user's messages are held back.
  func write(_ json: inout JSONWriter, isPaused: Bool) {
    json.member("id", id.description)
    json.member("username", username)
    json.member("is_admin", isAdmin)
    json.member("is_active", isActive)
    json.member("paused", isPaused)
    json.member("weight", number: weight)
    limits.write(&json)
    json.member("created_at", createdAt)
    json.member("changed_at", changedAt)
    json.member("last_login_at", lastLoginAt)
    json.member("token_count", tokenCount)
  }
}

extension UserLimits {
  func write(_ json: inout JSONWriter) {
    json.member("max_class", maxClass?.rawValue)
    json.member("daily_limit", dailyLimit)
    json.member("api_rate", requestRate)
    if let providers {
      json.array("providers", providers) { json, provider in json.element(provider) }
    } else {
      json.null("providers")
    }
  }
}

extension UserChanged.Limits {
  init(_ limits: UserLimits) {
    self.init(
      maxClass: limits.maxClass, dailyLimit: limits.dailyLimit, apiRate: limits.requestRate,
      providers: limits.providers)
  }
}
