import Contracts
import Foundation
import Postgres

/// Marks identifiers of entries of the audit.
enum AuditKind {}

/// Who did what, when, to what, from where, and how it ended.
struct AuditEntry: Sendable, Equatable {
  var id = Identifier<AuditKind>.timeOrdered()
  var at: Timestamp
  /// `nil` for a login of nobody.
  var userID: UserID?
  var username: String?
  /// An `AuditAction`, or one of another release.
  var action: String
  var subjectType: String?
  var subjectID: String?
  var details: [JSONMember]
  /// `done`, `requested`, or the error code that it was refused with, in lower case.
  var outcome: String
  var address: String?
  var requestID: String?

  func write(_ json: inout JSONWriter) {
    json.member("id", id.description)
    json.member("at", at)
    json.member("user_id", userID?.description)
    json.member("username", username)
    json.member("action", action)
    json.member("subject_type", subjectType)
    json.member("subject_id", subjectID)
    json.member("details", .object(details))
    json.member("outcome", outcome)
    json.member("address", address)
    json.member("request_id", requestID)
  }
}

extension AuditEntry {
  init(_ row: PostgresRow) throws {
    id = Identifier(try row.decode("id", as: UUID.self))
    at = Timestamp(try row.decode("at", as: Date.self))
    userID = try row.decode("user_id", as: UUID?.self).map { UserID($0) }
    username = try row.decode("username")
    action = try row.decode("action")
    subjectType = try row.decode("subject_type")
    subjectID = try row.decode("subject_id")
    let text: String = try row.decode("details")
    guard case .object(let members) = try JSONReader.read(Array(text.utf8)) else {
      throw UnknownName(column: "details")
    }
    details = members
    outcome = try row.decode("outcome")
    address = try row.decode("address")
    requestID = try row.decode("request_id")
  }
}
