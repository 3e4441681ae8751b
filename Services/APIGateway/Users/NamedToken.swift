import Contracts
import Foundation
import Postgres

/// A token that an admin made, without the token itself.
struct NamedToken: Sendable {
  var id: UUID
  var name: String
  var createdAt: Timestamp
  var expiresAt: Timestamp?
  var lastUsedAt: Timestamp?

  /// What the initializer reads of `accounts.tokens`.
  static let columns = "id, name, created_at, expires_at, last_used_at"

  init(_ row: PostgresRow) throws {
    id = try row.decode("id")
    name = try row.decode("name")
    createdAt = Timestamp(try row.decode("created_at", as: Date.self))
    expiresAt = try row.decodeTime("expires_at")
    lastUsedAt = try row.decodeTime("last_used_at")
  }

  func write(_ json: inout JSONWriter) {
    json.member("id", id.uuidString.lowercased())
    json.member("name", name)
    json.member("created_at", createdAt)
    json.member("expires_at", expiresAt)
    json.member("last_used_at", lastUsedAt)
  }
}

/// What a body asks for: a name, and until when.
struct TokenDraft: Sendable, Equatable {
  var name: String
  var expiresAt: Timestamp?

  /// - Throws: `APIError` that names every field concerned.
  static func decode(_ bytes: [UInt8], now: Timestamp) throws -> TokenDraft {
    var reader = try MemberReader(bytes, allowing: ["name", "expires_at"])
    reader.require("name")
    let name = reader.given("name") { reader, value -> String? in
      guard let text = reader.string("name", value) else { return nil }
      if (1...255).contains(text.unicodeScalars.count), !text.utf8.contains(0) { return text }
      reader.note("name", "wrong_length", "Must have 1 to 255 characters, none of them U+0000")
      return nil
    }
    let expiresAt = reader.optional("expires_at") { reader, value -> Timestamp? in
      guard let text = reader.string("expires_at", value) else { return nil }
      guard let time = Timestamp(text) else {
        reader.note("expires_at", "not_a_time", "Must be a time in ISO 8601, like 2026-11-21T08:15:30Z")
        return nil
      }
      if time > now { return time }
      reader.note("expires_at", "in_the_past", "Must lie in the future")
      return nil
    }
    try reader.check()
    return TokenDraft(name: name.value ?? "", expiresAt: expiresAt.value.flatMap { $0 })
  }
}
