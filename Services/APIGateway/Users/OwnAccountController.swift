import Contracts
import Foundation
import Hummingbird

/// What people may change of their own: their password and their tokens. It takes a login: a token with a name that
/// fell into wrong hands makes no others.
struct OwnAccountController: Sendable {
  let authenticator: Authenticator
  let reader: BodyReader
  let users: UserStore
  let desk: LoginDesk
  let tokens: TokenDesk
  let announcer: UserAnnouncer
  let addresses: ClientAddress

  var routes: [Route] {
    [
      route(.post, "/api/auth/password", .ownPassword) { try await changePassword($0, $1, $2) },
      route(.get, "/api/auth/tokens") { request, _, principal in try await tokens.list(request, of: principal.userID) },
      route(.post, "/api/auth/tokens", .ownTokenCreate) { request, context, principal in
        try await tokens.create(request, of: principal.userID, context)
      },
      route(.delete, "/api/auth/tokens/{token_id}", .ownTokenRevoke) { request, context, principal in
        try await tokens.revoke(request, of: principal.userID, context)
      },
    ]
  }

  private func route(
    _ method: HTTPRequest.Method, _ path: String, _ audit: AuditAction? = nil,
    _ handler: @escaping @Sendable (Request, GatewayContext, Principal) async throws -> Response
  ) -> Route {
    var route = Route.user(method, path, authenticator) { request, context, principal in
      guard context.note.session?.kind == .session else {
        throw APIError(.forbidden, "This needs a login; a token with a name may not do it")
      }
      return try await handler(request, context, principal)
    }
    route.audit = audit
    return route
  }

  private func changePassword(
    _ request: Request, _ context: GatewayContext, _ principal: Principal
  ) async throws -> Response {
    _ = try Query(request, allowing: [])
    let draft = try PasswordDraft.decode(try await reader.read(request, context))
    let address = addresses.client(of: request, peer: context.peer)
    try await desk.confirm(principal.username, draft.current, address: address)
    var fields = UserFields()
    fields.password = .value(draft.new)
    let hash = try await desk.hash(of: draft.new)
    let user = try await users.change(principal.userID, fields, passwordHash: hash, by: principal.userID)
    var change = user.change
    change.endsSessions = true
    await announcer.announce(change, context)
    return .json(
      JSONWriter.object { json in
        json.member("success", true)
        json.member("message", "The password was changed; all logins have ended")
      })
  }
}

/// What a body asks for: the password as it is, and as it is to be.
struct PasswordDraft: Sendable, Equatable {
  var current: String
  var new: String

  /// - Throws: `APIError` that names every field concerned.
  static func decode(_ bytes: [UInt8]) throws -> PasswordDraft {
    var reader = try MemberReader(bytes, allowing: ["current_password", "new_password"])
    reader.require("current_password")
    reader.require("new_password")
    let current = reader.given("current_password") { $0.string("current_password", $1) }
    let new = reader.given("new_password") { UserFields.password("new_password", &$0, $1) }
    try reader.check()
    return PasswordDraft(current: current.value ?? "", new: new.value ?? "")
  }
}
