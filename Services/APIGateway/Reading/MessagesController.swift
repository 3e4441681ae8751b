import Contracts
import Hummingbird
import PhoneNumbers

/// Shows a user's messages.
struct MessagesController: Sendable {
  let authenticator: Authenticator
  let lists: MessageLists
  let lookup: MessageLookup
  let parser: PhoneNumberParser

  var routes: [Route] {
    [
      .user(.get, "/api/sms", authenticator) { request, _, principal in
        let query = try Query(request, allowing: MessageFilter.parameters)
        let filter = try MessageFilter(query, owner: principal.userID, parser: parser)
        return try await lists.page(filter, try MessagePage(query), with: { _ in }, { _, _, _ in })
      },
      .user(.get, "/api/sms/{id}", authenticator) { try await show($0, $1, $2) },
      .user(.get, "/api/messages/{id}", authenticator) { try await show($0, $1, $2) },
      .user(.get, "/api/sms/{id}/recipients", authenticator) { request, context, principal in
        try await lists.recipients(request) { try await lookup.message(context, principal) }
      },
    ]
  }

  private func show(_ request: Request, _ context: GatewayContext, _ principal: Principal) async throws -> Response {
    _ = try Query(request, allowing: [])
    return try await lists.message(try await lookup.message(context, principal))
  }
}
