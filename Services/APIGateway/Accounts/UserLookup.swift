import Contracts
import NIOConcurrencyHelpers

/// Finds the user that a path names.
struct UserLookup: Sendable {
  let directory: NIOLockedValueBox<TokenDirectory>
  let store: AccountStore
  let hasMessages: @Sendable (UserID) async throws -> Bool

  /// The user of the path's `id`. Whoever has a token is known without the database.
  func user(_ context: GatewayContext) async throws -> UserID {
    let none = APIError(.notFound, "No such user")
    guard let id = context.parameters.get("id").flatMap({ UserID($0) }) else { throw none }
    if directory.withLockedValue({ $0.knows(id) }) { return id }
    // What somebody who was deleted left in the queue can be held back and cancelled all the same.
    if try await store.hasUser(id) { return id }
    guard try await hasMessages(id) else { throw none }
    return id
  }
}
