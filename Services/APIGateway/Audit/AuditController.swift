import Contracts
import Hummingbird

/// Shows what was done by whom. For admins.
struct AuditController: Sendable {
  let authenticator: Authenticator
  let store: AuditStore

  var routes: [Route] {
    [.admin(.get, "/api/admin/audit", authenticator) { request, _ in try await list(request) }]
  }

  private func list(_ request: Request) async throws -> Response {
    let query = try Query(request, allowing: ["limit", "cursor", "user_id", "action", "from", "to"])
    let limit = try query.int("limit", in: 1...200, default: 50)
    let action: AuditAction? = try query.choice("action")
    let filter = AuditFilter(
      userID: try query.id("user_id"), action: action?.rawValue, from: try query.time("from"),
      to: try query.timeEnd("to"))
    let cursor = try query.string("cursor").map { text in
      guard let cursor = PageCursor(text) else {
        throw APIError.invalidField("cursor", "not_valid", "Must be the next_cursor of an earlier answer")
      }
      return cursor
    }
    let found = try await store.entries(filter, after: cursor, limit: limit + 1)
    let entries = found.prefix(limit)
    return .success { json in
      json.array("entries", entries) { json, entry in json.element { json in entry.write(&json) } }
      let last = found.count > limit ? entries.last : nil
      json.member(
        "next_cursor", last.map { PageCursor(acceptedAt: $0.at, messageID: MessageID($0.id.uuid)).text })
    }
  }
}
