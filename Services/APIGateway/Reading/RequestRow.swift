import Contracts
import Foundation
import Postgres

/// One SMS with what it says and where it stands, as lists of SMS show it.
struct RequestRow: Sendable {
  var recipient: RecipientRow
  var content: String
  /// When its message was accepted.
  var createdAt: Timestamp
  /// When it came into its state.
  var updatedAt: Timestamp

  var cursor: PageCursor {
    PageCursor(acceptedAt: createdAt, messageID: recipient.unit.messageID, unitIndex: recipient.unit.index)
  }

  /// What the initializer reads, of a message `m` and its recipient `r`.
  static let columns = """
    r.message_id, r.unit_index, r.phone, r.state, r.provider, r.error_code, r.error_message, r.sent_at,
    r.may_be_duplicate, r.changed_at, m.content, m.accepted_at
    """

  /// The tries that are over, of an SMS `s`.
  static let attempts = """
    (SELECT count(*) FROM projection.attempts_read a
      WHERE a.message_id = s.message_id AND a.unit_index = s.unit_index AND a.outcome IS NOT NULL) AS attempts
    """

  init(_ row: PostgresRow) throws {
    recipient = try RecipientRow(row)
    content = try row.decode("content")
    createdAt = Timestamp(try row.decode("accepted_at", as: Date.self))
    updatedAt = Timestamp(try row.decode("changed_at", as: Date.self))
  }

  func write(_ json: inout JSONWriter) {
    json.member("id", SMSID.text(of: recipient.unit))
    json.member("message_id", recipient.unit.messageID.description)
    json.member("index", recipient.unit.index)
    json.member("phone", recipient.phone)
    json.member("text", content)
    json.member("status", recipient.state.rawValue)
    json.member("provider_used", recipient.provider)
    json.member("attempts", recipient.attempts)
    json.member("error_code", recipient.errorCode)
    json.member("error_message", recipient.errorMessage)
    json.member("sent_at", recipient.sentAt)
    json.member("may_be_duplicate", recipient.mayBeDuplicate)
    json.member("created_at", createdAt)
    json.member("updated_at", updatedAt)
  }
}
