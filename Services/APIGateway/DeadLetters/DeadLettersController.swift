import Contracts
import Hummingbird

/// Shows letters and poison messages, with all that is known of each. For admins.
struct DeadLettersController: Sendable {
  let authenticator: Authenticator
  let reads: DeadLetterReads
  let usernames: UsernameLookup

  var routes: [Route] {
    [
      .admin(.get, "/api/admin/dead-letters", authenticator) { request, _ in try await list(request) },
      .admin(.get, "/api/admin/dead-letters/summary", authenticator) { request, _ in
        _ = try Query(request, allowing: [])
        let summary = try await reads.summary()
        return .success { json in summary.write(&json) }
      },
      .admin(.get, "/api/admin/dead-letters/{id}", authenticator) { request, context in
        try await show(request, context)
      },
    ]
  }

  private func list(_ request: Request) async throws -> Response {
    let filter = try LetterFilter(try Query(request, allowing: LetterFilter.parameters))
    let found = try await reads.letters(filter, limit: filter.size + 1)
    let letters = found.prefix(filter.size)
    let names = try await usernames.names(of: Set(letters.compactMap(\.userID)))
    return .success { json in
      json.array("dead_letters", letters) { json, letter in
        json.element { json in letter.write(&json, username: letter.userID.flatMap { names[$0] }) }
      }
      json.member("next_cursor", found.count > filter.size ? letters.last?.cursor.text : nil)
    }
  }

  private func show(_ request: Request, _ context: GatewayContext) async throws -> Response {
    _ = try Query(request, allowing: [])
    let letter = try await reads.letter(of: context)
    let names = try await usernames.names(of: Set([letter.userID].compactMap { $0 }))
    let requests = try await reads.requests(of: letter.id)
    let poison = letter.isPoison ? try await reads.poison(letter.id) : nil
    return .success { json in
      letter.write(&json, username: letter.userID.flatMap { names[$0] })
      json.array("requests", requests) { json, request in json.element { json in request.write(&json) } }
      poison?.write(&json)
    }
  }
}
