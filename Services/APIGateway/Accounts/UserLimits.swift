import Contracts

/// What an admin allows one user; `nil` is no limit of their own.
struct UserLimits: Sendable, Hashable {
  /// The most urgent class that they may use.
  var maxClass: MessageClass?
  /// SMS a calendar day.
  var dailyLimit: Int?
  /// Requests a second to each replica, instead of `SLUICE_API_USER_RATE`.
  var requestRate: Int?
  /// The only providers that may carry their SMS; sorted.
  var providers: [String]?
}
