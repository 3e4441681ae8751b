import Contracts
import Foundation
import Postgres

/// One SMS of a message as the view `projection.recipients_read` shows it.
struct RecipientRow: Sendable {
  var unit: UnitID
  var phone: String
  var state: UnitState
  /// Tries to send it that are over.
  var attempts: Int
  var provider: String?
  var errorCode: String?
  var errorMessage: String?
  var sentAt: Timestamp?
  var mayBeDuplicate: Bool

  init(_ row: PostgresRow) throws {
    unit = UnitID(
      messageID: MessageID(try row.decode("message_id", as: UUID.self)), index: try row.decode("unit_index"))
    phone = try row.decode("phone")
    state = try row.decodeName("state")
    attempts = try row.decode("attempts")
    provider = try row.decode("provider")
    errorCode = try row.decode("error_code")
    errorMessage = try row.decode("error_message")
    sentAt = try row.decodeTime("sent_at")
    mayBeDuplicate = try row.decode("may_be_duplicate")
  }

  func write(_ json: inout JSONWriter) {
    json.member("id", SMSID.text(of: unit))
    json.member("phone", phone)
    json.member("status", state.rawValue)
    json.member("error_code", errorCode)
    json.member("error_message", errorMessage)
    json.member("attempts", attempts)
    json.member("provider", provider)
    json.member("sent_at", sentAt)
    json.member("may_be_duplicate", mayBeDuplicate)
  }
}
