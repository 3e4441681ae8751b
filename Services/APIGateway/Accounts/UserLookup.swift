import Contracts
import NIOConcurrencyHelpers

/// Finds the user that a path names.
struct UserLookup: Sendable {
  let directory: NIOLockedValueBox<TokenDirectory>
  let store: AccountStore

  /// The user of the path's `id`. Whoever has a token is known without the database.
  func user(_ context: GatewayContext) async throws -> UserID {
    let none = APIError(.notFound, "No such user")
    guard let id = context.parameters.get("id").flatMap({ UserID($0) }) else { throw none }
    if directory.withLockedValue({ $0.knows(id) }) { return id }
    guard try await store.hasUser(id) else { throw none }
    return id
  }
}
