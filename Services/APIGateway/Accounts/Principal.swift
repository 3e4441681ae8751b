import Contracts

/// Who a request comes from.
struct Principal: Sendable, Hashable {
  var userID: UserID
  var username: String
  var isAdmin: Bool
  /// The user's share of their class.
  var weight: Double
  var limits = UserLimits()
}
