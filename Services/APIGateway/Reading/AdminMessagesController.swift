import Contracts
import Foundation
import Hummingbird
import PhoneNumbers

/// Shows everybody's messages to admins.
struct AdminMessagesController: Sendable {
  let authenticator: Authenticator
  let lists: MessageLists
  let lookup: MessageLookup
  let usernames: UsernameLookup
  let parser: PhoneNumberParser
  /// Where a date without a time is a day.
  let timeZone: TimeZone

  private static let parameters = MessageFilter.parameters.subtracting(["from", "to"]).union([
    "user_id", "start_date", "end_date",
  ])

  var routes: [Route] {
    [
      .admin(.get, "/api/admin/messages", authenticator) { request, _ in
        let query = try Query(request, allowing: Self.parameters)
        let (filter, page) = (try filter(query), try MessagePage(query))
        return try await lists.page(
          filter, page, with: { rows in try await usernames.names(of: Set(rows.map(\.userID))) },
          { json, row, names in write(row, names, &json) })
      },
      .admin(.get, "/api/admin/messages/{id}", authenticator) { request, context, principal in
        _ = try Query(request, allowing: [])
        let row = try await lookup.message(context, principal)
        let names = try await usernames.names(of: [row.userID])
        return try await lists.message(row) { json in write(row, names, &json) }
      },
      .admin(.get, "/api/admin/messages/{id}/recipients", authenticator) { request, context, principal in
        try await lists.recipients(request) { try await lookup.message(context, principal) }
      },
    ]
  }

  private func filter(_ query: Query) throws -> MessageFilter {
    var filter = try MessageFilter(query, owner: nil, parser: parser)
    filter.owner = try query.user("user_id")
    filter.from = try DayOrTime(query, "start_date").map { $0.begin(in: timeZone) }
    filter.to = try DayOrTime(query, "end_date").map { $0.end(in: timeZone) }
    return filter
  }

  private func write(_ row: MessageRow, _ names: [UserID: String], _ json: inout JSONWriter) {
    json.member("user_id", row.userID.description)
    json.member("username", names[row.userID])
  }
}

extension Query {
  /// A user's id.
  func user(_ name: String) throws -> UserID? {
    guard let text = string(name) else { return nil }
    guard let id = UserID(text) else { throw APIError.invalidField(name, "not_an_id", "Must be the id of a user") }
    return id
  }
}
