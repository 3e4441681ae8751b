import Contracts
import Foundation
import Hummingbird
import NIOConcurrencyHelpers

/// Lists, makes and revokes the named tokens of one user, whoever asks for it.
struct TokenDesk: Sendable {
  let reader: BodyReader
  let store: NamedTokenStore
  let announcer: UserAnnouncer

  func list(_ request: Request, of user: UserID) async throws -> Response {
    let query = try Query(request, allowing: ["limit", "cursor"])
    let limit = try query.int("limit", in: 1...200, default: 50)
    let found = try await store.tokens(of: user, after: try query.id("cursor"), limit: limit + 1)
    let tokens = found.prefix(limit)
    return .success { json in
      json.array("tokens", tokens) { json, token in json.element { json in token.write(&json) } }
      json.member("next_cursor", found.count > limit ? tokens.last.map { $0.id.uuidString.lowercased() } : nil)
    }
  }

  /// - Parameter check: Whether it still may be done, asked after the body was read.
  func create(
    _ request: Request, of user: UserID, _ context: GatewayContext, check: () async throws -> Void = {}
  ) async throws -> Response {
    _ = try Query(request, allowing: [])
    let draft = try TokenDraft.decode(try await reader.read(request, context), now: .now())
    context.auditNote?.add("name", .string(draft.name))
    context.auditNote?.add("expires_at", draft.expiresAt.map { .string($0.description) } ?? .null)
    try await check()
    let secret = BearerSecret.make(prefix: BearerSecret.tokenPrefix)
    let (token, record) = try await store.create(draft, TokenDigest(token: secret), of: user)
    context.auditNote?.add("token_id", .string(token.id.uuidString.lowercased()))
    if record.isUsable { announcer.directory.withLockedValue { $0.add(record) } }
    await announcer.announce(UserChanged(record.principal, isActive: record.isUsable), context)
    return .success(status: .created) { json in
      token.write(&json)
      json.member("token", secret)
    }
  }

  /// - Parameter check: Whether it still may be done.
  func revoke(
    _ request: Request, of user: UserID, _ context: GatewayContext, check: () async throws -> Void = {}
  ) async throws -> Response {
    _ = try Query(request, allowing: [])
    guard let tokenID = context.parameters.get("token_id").flatMap({ UUID(uuidString: $0) }) else { throw Self.none }
    context.auditNote?.add("token_id", .string(tokenID.uuidString.lowercased()))
    try await check()
    guard let revoked = try await store.revoke(tokenID, of: user) else { throw Self.none }
    context.auditNote?.add("name", .string(revoked.name))
    var change = revoked.change
    change.endedTokens = revoked.digest.map { [$0.text] }
    await announcer.announce(change, context)
    return .success { json in json.member("id", tokenID.uuidString.lowercased()) }
  }

  private static let none = APIError(.notFound, "No such token")
}
