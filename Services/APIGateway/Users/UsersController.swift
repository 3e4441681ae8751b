import Contracts
import Foundation
import Hummingbird

/// Makes, shows, changes and deletes users. For admins.
struct UsersController: Sendable {
  let authenticator: Authenticator
  let reader: BodyReader
  let store: UserStore
  let desk: LoginDesk
  let announcer: UserAnnouncer
  let providers: ProviderView
  let queue: QueueView

  var routes: [Route] {
    [
      .admin(.get, "/api/admin/users", authenticator) { request, _ in try await list(request) },
      .admin(.post, "/api/admin/users", authenticator, audit: .userCreate) { try await create($0, $1, $2) },
      .admin(.get, "/api/admin/users/{id}", authenticator) { request, context in
        _ = try Query(request, allowing: [])
        guard let user = try await store.user(try context.userID) else { throw GatewayContext.noUser }
        return .success { json in write(user, &json) }
      },
      .admin(.patch, "/api/admin/users/{id}", authenticator, audit: .userUpdate) { try await change($0, $1, $2) },
      .admin(.delete, "/api/admin/users/{id}", authenticator, audit: .userDelete) { try await delete($0, $1, $2) },
    ]
  }

  private func list(_ request: Request) async throws -> Response {
    let query = try Query(request, allowing: ["limit", "cursor", "q", "is_active"])
    let limit = try query.int("limit", in: 1...200, default: 50)
    let filter = UserFilter(text: try query.text("q"), isActive: try query.bool("is_active"))
    let found = try await store.users(filter, after: try query.nameCursor("cursor"), limit: limit + 1)
    let users = found.prefix(limit)
    return .success { json in
      json.array("users", users) { json, user in json.element { json in write(user, &json) } }
      json.member("next_cursor", found.count > limit ? users.last.map { NameCursor.text($0.username) } : nil)
    }
  }

  private func create(_ request: Request, _ context: GatewayContext, _ admin: Principal) async throws -> Response {
    _ = try Query(request, allowing: [])
    let fields = try UserFields.new(try await reader.read(request, context)) { providers[$0] != nil }
    fields.note(in: context.auditNote)
    let passwordHash = try await hash(fields)
    try await store.checkAdmin(admin.userID)
    let user = try await store.create(fields, passwordHash: passwordHash)
    context.auditNote?.subject = user.id.description
    await announcer.announce(user.change, context)
    var response = Response.success(status: .created) { json in write(user, &json) }
    response.headers[.location] = "/api/admin/users/\(user.id)"
    return response
  }

  private func change(_ request: Request, _ context: GatewayContext, _ admin: Principal) async throws -> Response {
    _ = try Query(request, allowing: [])
    let id = try context.userID
    let fields = try UserFields.change(try await reader.read(request, context)) { providers[$0] != nil }
    fields.note(in: context.auditNote, changing: try await store.user(id))
    let passwordHash = try await hash(fields)
    try await store.checkAdmin(admin.userID)
    let user = try await store.change(id, fields, passwordHash: passwordHash, by: admin.userID)
    var change = user.change
    if fields.password != .absent { change.endsSessions = true }
    await announcer.announce(change, context)
    return .success { json in write(user, &json) }
  }

  private func delete(_ request: Request, _ context: GatewayContext, _ admin: Principal) async throws -> Response {
    _ = try Query(request, allowing: [])
    let user = try await store.delete(try context.userID, by: admin.userID)
    context.auditNote?.add("username", .string(user.username))
    var change = user.change
    change.isActive = false
    await announcer.announce(change, context)
    return .success { json in json.member("id", user.id.description) }
  }

  private func write(_ user: User, _ json: inout JSONWriter) {
    user.write(&json, isPaused: queue.snapshot.pausedUsers.contains(user.id))
  }

  private func hash(_ fields: UserFields) async throws -> String? {
    guard let password = fields.password.value.flatMap({ $0 }) else { return nil }
    return try await desk.hash(of: password)
  }
}

extension GatewayContext {
  static let noUser = APIError(.notFound, "No such user")

  /// The user of the path's `id`.
  var userID: UserID {
    get throws {
      guard let id = parameters.get("id").flatMap({ UserID($0) }) else { throw Self.noUser }
      return id
    }
  }
}

/// Where a list by name goes on: behind this name. Opaque to callers.
enum NameCursor {
  static func text(_ username: String) -> String {
    username.utf8.hexadecimal
  }

  static func name(_ text: String) -> String? {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2), digits.count <= 4_096 else { return nil }
    var bytes: [UInt8] = []
    for place in stride(from: 0, to: digits.count, by: 2) {
      let pair = String(decoding: digits[place..<place + 2], as: UTF8.self)
      guard let byte = UInt8(pair, radix: 16), byte != 0, pair.first != "+" else { return nil }
      bytes.append(byte)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}

extension Query {
  fileprivate func nameCursor(_ name: String) throws -> String? {
    guard let text = string(name) else { return nil }
    guard let found = NameCursor.name(text) else {
      throw APIError.invalidField(name, "not_valid", "Must be the next_cursor of an earlier answer")
    }
    return found
  }
}
