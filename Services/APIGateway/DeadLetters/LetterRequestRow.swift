import Contracts
import Foundation
import Postgres

/// What somebody asked to be done with one letter, and what came of it.
struct LetterRequestRow: Sendable {
  var id: UUID
  /// `replay`, `abandon`, `settle`, `return`, `drop`.
  var kind: String
  var actorID: UserID?
  var actor: String
  var reason: String?
  var provider: String?
  var messageClass: String?
  /// Of a settling: what the provider said.
  var verdict: String?
  var expiresAt: Timestamp?
  var requestedAt: Timestamp
  var cancelledAt: Timestamp?
  /// The SMS' state in the end, or `refused:` and why.
  var result: String?
  var endedAt: Timestamp?

  init(_ row: PostgresRow) throws {
    id = try row.decode("id")
    kind = try row.decode("kind")
    actorID = try row.decode("actor_id", as: UUID?.self).map { UserID($0) }
    actor = try row.decode("actor")
    reason = try row.decode("reason")
    provider = try row.decode("provider")
    messageClass = try row.decode("class")
    verdict = try row.decode("verdict")
    expiresAt = try row.decodeTime("expires_at")
    requestedAt = Timestamp(try row.decode("requested_at", as: Date.self))
    cancelledAt = try row.decodeTime("cancelled_at")
    result = try row.decode("result")
    endedAt = try row.decodeTime("ended_at")
  }

  func write(_ json: inout JSONWriter) {
    json.member("id", id.uuidString.lowercased())
    json.member("kind", kind)
    json.member("actor_id", actorID?.description)
    json.member("actor", actor)
    json.member("reason", reason)
    json.member("provider", provider)
    json.member("class", messageClass)
    json.member("verdict", verdict)
    json.member("expires_at", expiresAt)
    json.member("requested_at", requestedAt)
    json.member("cancelled_at", cancelledAt)
    json.member("result", result)
    json.member("ended_at", endedAt)
  }
}
