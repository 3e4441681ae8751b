import Contracts
import NIOConcurrencyHelpers

/// Finds the weights of users: their shares within a class.
struct UserWeights: Sendable {
  let directory: NIOLockedValueBox<TokenDirectory>
  let store: AccountStore

  /// Of those that are known. Whoever has a token is known without the database.
  func weights(of users: Set<UserID>) async throws -> [UserID: Double] {
    let known = directory.withLockedValue { $0.weights(of: users) }
    let others = users.subtracting(known.keys)
    guard !others.isEmpty else { return known }
    return try await store.weights(of: others).merging(known) { $1 }
  }
}
