import Contracts
import Hummingbird
import PhoneNumbers

/// Shows a user's messages.
struct MessagesController: Sendable {
  let authenticator: Authenticator
  let store: ReadStore
  let lookup: MessageLookup
  let queue: QueueView
  let parser: PhoneNumberParser

  /// Numbers of one message that a list shows.
  private static let listedPhones = 100

  var routes: [Route] {
    [
      .user(.get, "/api/sms", authenticator) { request, _, principal in try await list(request, principal) },
      .user(.get, "/api/sms/{id}", authenticator) { try await show($0, $1, $2) },
      .user(.get, "/api/messages/{id}", authenticator) { try await show($0, $1, $2) },
      .user(.get, "/api/sms/{id}/recipients", authenticator) { try await recipients($0, $1, $2) },
    ]
  }

  private func show(_ request: Request, _ context: GatewayContext, _ principal: Principal) async throws -> Response {
    _ = try Query(request, allowing: [])
    let row = try await store.withRetries(try await lookup.message(context, principal))
    let answer = MessageAnswer(row: row, snapshot: queue.snapshot, now: .now())
    return .success { json in answer.write(&json) }
  }

  private func recipients(
    _ request: Request, _ context: GatewayContext, _ principal: Principal
  ) async throws -> Response {
    let query = try Query(request, allowing: ["status", "limit", "cursor"])
    let state: UnitState? = try query.choice("status")
    let limit = try query.int("limit", in: 1...10_000, default: 10_000)
    let after = try query.int("cursor", in: 0...Int(Int32.max), default: -1)
    let message = try await lookup.message(context, principal)
    let found = try await store.recipients(of: message.messageID, state: state, after: after, limit: limit + 1)
    let rows = found.prefix(limit)
    return .success { json in
      json.array("recipients", rows) { json, row in json.element { json in row.write(&json) } }
      json.member("next_cursor", found.count > limit ? rows.last.map { String($0.unit.index) } : nil)
    }
  }

  private func list(_ request: Request, _ principal: Principal) async throws -> Response {
    let query = try Query(request, allowing: MessageFilter.parameters)
    let filter = try MessageFilter(query, parser: parser)
    let page = try MessagePage(query)
    let found = try await store.messages(of: principal.userID, filter, page)
    let rows = try await store.withRetries(Array(found.prefix(page.size)))
    let phones = rows.isEmpty ? [:] : try await store.phones(of: rows.map(\.messageID), limit: Self.listedPhones)
    var total: Int?
    if case .number = page { total = try await store.count(of: principal.userID, filter) }
    let snapshot = queue.snapshot
    let now = Timestamp.now()
    return .success { json in
      json.array("messages", rows) { json, row in
        json.element { json in
          MessageAnswer(row: row, snapshot: snapshot, now: now).write(&json)
          json.array("recipients", phones[row.messageID] ?? []) { json, phone in json.element(phone) }
        }
      }
      if let total, case .number(let number, let size) = page {
        json.member("total", total)
        json.member("pages", max(1, (total + size - 1) / size))
        json.member("current_page", number)
      }
      let last = found.count > page.size ? rows.last : nil
      json.member(
        "next_cursor", last.map { PageCursor(acceptedAt: $0.acceptedAt, messageID: $0.messageID).text })
    }
  }
}
