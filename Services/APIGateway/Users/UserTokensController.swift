import Contracts
import Hummingbird

/// Makes, lists and revokes a user's named tokens. For admins.
struct UserTokensController: Sendable {
  let authenticator: Authenticator
  let users: UserStore
  let desk: TokenDesk

  var routes: [Route] {
    [
      .admin(.get, "/api/admin/users/{id}/tokens", authenticator) { request, context in
        // What is wrong with the request is said before who there is.
        _ = try Query(request, allowing: ["limit", "cursor"])
        let id = try context.userID
        guard try await users.user(id) != nil else { throw GatewayContext.noUser }
        return try await desk.list(request, of: id)
      },
      .admin(.post, "/api/admin/users/{id}/tokens", authenticator, audit: .tokenCreate) { request, context, admin in
        try await desk.create(request, of: try context.userID, context) { try await users.checkAdmin(admin.userID) }
      },
      .admin(.delete, "/api/admin/users/{id}/tokens/{token_id}", authenticator, audit: .tokenRevoke) {
        request, context, admin in
        try await desk.revoke(request, of: try context.userID, context) { try await users.checkAdmin(admin.userID) }
      },
    ]
  }
}
