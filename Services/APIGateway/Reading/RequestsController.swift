import Contracts
import Hummingbird

/// Shows a user's SMS one by one, with every answer of a provider.
struct RequestsController: Sendable {
  let authenticator: Authenticator
  let store: ReadStore
  let lookup: MessageLookup

  var routes: [Route] {
    [
      .user(.get, "/api/sms/requests", authenticator) { request, _, principal in
        let filter = try RequestFilter(
          Query(request, allowing: RequestFilter.parameters), owner: principal.userID)
        let found = try await store.requests(filter)
        return .success { json in
          json.array("requests", found.rows) { json, row in json.element { json in row.write(&json) } }
          json.member("next_cursor", found.next?.text)
        }
      },
      .user(.get, "/api/sms/requests/{id}", authenticator) { try await show($0, $1, $2) },
    ]
  }

  private func show(_ request: Request, _ context: GatewayContext, _ principal: Principal) async throws -> Response {
    _ = try Query(request, allowing: [])
    let none = APIError(.notFound, "No such SMS")
    guard let unit = context.parameters.get("id").flatMap({ SMSID.read($0) }) else { throw none }
    _ = try await lookup.message(unit.messageID, principal, orThrow: none)
    guard let row = try await store.request(unit) else { throw none }
    let attempts = try await store.attempts(of: unit)
    return .success { json in
      row.write(&json)
      json.array("responses", attempts.enumerated()) { json, attempt in
        json.element { json in attempt.element.write(&json, number: attempt.offset + 1) }
      }
    }
  }
}
