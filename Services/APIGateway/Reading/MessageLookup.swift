import Contracts

/// Finds the message that a path names.
struct MessageLookup: Sendable {
  let store: ReadStore
  let fresh: FreshRead

  /// The message of the path's `id`; another user's is as if it were not there, but to an admin.
  func message(_ context: GatewayContext, _ principal: Principal) async throws -> MessageRow {
    let none = APIError(.notFound, "No such message")
    guard let id = context.parameters.get("id").flatMap({ MessageID($0) }) else { throw none }
    return try await message(id, principal, orThrow: none)
  }

  func message(_ id: MessageID, _ principal: Principal, orThrow none: APIError) async throws -> MessageRow {
    guard let row = try await fresh.row(id, { try await store.message(id) }),
      row.userID == principal.userID || principal.isAdmin
    else { throw none }
    return row
  }
}
