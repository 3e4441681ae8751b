import Contracts
import Foundation
import Hummingbird
import NIOConcurrencyHelpers

/// Makes, lists and revokes a user's named tokens. For admins.
struct UserTokensController: Sendable {
  let authenticator: Authenticator
  let reader: BodyReader
  let users: UserStore
  let store: NamedTokenStore
  let announcer: UserAnnouncer

  var routes: [Route] {
    [
      .admin(.get, "/api/admin/users/{id}/tokens", authenticator) { try await list($0, $1) },
      .admin(.post, "/api/admin/users/{id}/tokens", authenticator, audit: .tokenCreate) {
        try await create($0, $1, $2)
      },
      .admin(.delete, "/api/admin/users/{id}/tokens/{token_id}", authenticator, audit: .tokenRevoke) {
        try await revoke($0, $1, $2)
      },
    ]
  }

  private func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
    let query = try Query(request, allowing: ["limit", "cursor"])
    let limit = try query.int("limit", in: 1...200, default: 50)
    let after = try query.id("cursor")
    let user = try await user(context)
    let found = try await store.tokens(of: user.id, after: after, limit: limit + 1)
    let tokens = found.prefix(limit)
    return .success { json in
      json.array("tokens", tokens) { json, token in json.element { json in token.write(&json) } }
      json.member("next_cursor", found.count > limit ? tokens.last.map { $0.id.uuidString.lowercased() } : nil)
    }
  }

  private func create(_ request: Request, _ context: GatewayContext, _ admin: Principal) async throws -> Response {
    _ = try Query(request, allowing: [])
    let id = try context.userID
    let draft = try TokenDraft.decode(try await reader.read(request, context), now: .now())
    context.auditNote?.add("name", .string(draft.name))
    context.auditNote?.add("expires_at", draft.expiresAt.map { .string($0.description) } ?? .null)
    try await users.checkAdmin(admin.userID)
    let secret = BearerSecret.make(prefix: BearerSecret.tokenPrefix)
    let (token, record) = try await store.create(draft, TokenDigest(token: secret), of: id)
    context.auditNote?.add("token_id", .string(token.id.uuidString.lowercased()))
    if record.isUsable { announcer.directory.withLockedValue { $0.add(record) } }
    await announcer.announce(UserChanged(record.principal, isActive: record.isUsable), context)
    return .success(status: .created) { json in
      token.write(&json)
      json.member("token", secret)
    }
  }

  private func revoke(_ request: Request, _ context: GatewayContext, _ admin: Principal) async throws -> Response {
    _ = try Query(request, allowing: [])
    let id = try context.userID
    guard let tokenID = context.parameters.get("token_id").flatMap({ UUID(uuidString: $0) }) else { throw Self.none }
    context.auditNote?.add("token_id", .string(tokenID.uuidString.lowercased()))
    try await users.checkAdmin(admin.userID)
    guard let revoked = try await store.revoke(tokenID, of: id) else { throw Self.none }
    context.auditNote?.add("name", .string(revoked.name))
    var change = revoked.change
    change.endedTokens = revoked.digest.map { [$0.text] }
    await announcer.announce(change, context)
    return .success { json in json.member("id", tokenID.uuidString.lowercased()) }
  }

  private func user(_ context: GatewayContext) async throws -> User {
    guard let user = try await users.user(try context.userID) else { throw GatewayContext.noUser }
    return user
  }

  private static let none = APIError(.notFound, "No such token")
}
