import Contracts
import NIOConcurrencyHelpers

/// Finds the names of users.
struct UsernameLookup: Sendable {
  let directory: NIOLockedValueBox<TokenDirectory>
  let store: AccountStore

  /// Of those that are known. Whoever has a token is known without the database.
  func names(of users: Set<UserID>) async throws -> [UserID: String] {
    let known = knownNames(of: users)
    let others = users.subtracting(known.keys)
    guard !others.isEmpty else { return known }
    return try await store.usernames(of: others).merging(known) { $1 }
  }

  /// Of those who have a token.
  func knownNames(of users: Set<UserID>) -> [UserID: String] {
    directory.withLockedValue { $0.usernames(of: users) }
  }
}
