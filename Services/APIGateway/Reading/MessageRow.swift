import Contracts
import Foundation
import Metering
import Postgres

/// A message as the projector's view `projection.messages_read` shows it.
struct MessageRow: Sendable {
  var messageID: MessageID
  var userID: UserID
  var messageClass: MessageClass
  var content: String
  var reference: String?
  /// The one it is pinned to.
  var provider: String?
  /// The only ones that may carry it, when it is pinned to none; `nil` for all.
  var providers: [String]?
  var segments: Int
  var recipientCount: Int
  var firstPhone: String?
  var acceptedAt: Timestamp
  var sendAt: Timestamp?
  var expiresAt: Timestamp?
  /// The number of its first SMS in its flow; `nil` until the scheduler has taken it.
  var firstNumber: Int64?
  /// How many of its SMS were ever given to a sender: the index of the next one.
  var dispatched: Int
  var counts: UnitCounts
  var jobStatus: JobStatus
  var isPaused: Bool
  /// All of its user's traffic is held back.
  var isUserPaused = false
  var sentAt: Timestamp?
  var completedAt: Timestamp?
  var lastReplyBody: String?
  /// When its retries wait for their turn again; `nil` without any, or while it was not asked for.
  var retries: RetryTimes?

  var flow: FlowKey { FlowKey(messageClass: messageClass, userID: userID, provider: provider, allowed: providers) }
}

extension MessageRow {
  /// What the initializer reads, for a `SELECT`.
  static let columns = """
    message_id, user_id, class, content, reference, provider, segments, recipient_count, first_phone, accepted_at,
    send_at, expires_at, first_number, dispatched, pending, sending, retrying, sent, failed, dead, expired, cancelled, unconfirmed,
    job_status, paused, sent_at, completed_at, last_reply_body, providers, user_paused
    """

  init(_ row: PostgresRow) throws {
    messageID = MessageID(try row.decode("message_id", as: UUID.self))
    userID = UserID(try row.decode("user_id", as: UUID.self))
    messageClass = try row.decodeName("class")
    content = try row.decode("content")
    reference = try row.decode("reference")
    provider = try row.decode("provider")
    providers = try row.decode("providers")
    segments = try row.decode("segments")
    recipientCount = try row.decode("recipient_count")
    firstPhone = try row.decode("first_phone")
    acceptedAt = Timestamp(try row.decode("accepted_at", as: Date.self))
    sendAt = try row.decodeTime("send_at")
    expiresAt = try row.decodeTime("expires_at")
    firstNumber = try row.decode("first_number")
    dispatched = try row.decode("dispatched")
    counts = UnitCounts()
    for state in UnitState.allCases { counts[state] = try row.decode(state.rawValue) }
    jobStatus = try row.decodeName("job_status")
    isPaused = try row.decode("paused")
    isUserPaused = try row.decode("user_paused")
    sentAt = try row.decodeTime("sent_at")
    completedAt = try row.decodeTime("completed_at")
    lastReplyBody = try row.decode("last_reply_body")
  }
}

extension PostgresRow {
  func decodeTime(_ column: String) throws -> Timestamp? {
    try decode(column, as: Date?.self).map(Timestamp.init)
  }

  /// A name of an enumeration.
  func decodeName<Name: RawRepresentable>(_ column: String) throws -> Name where Name.RawValue == String {
    guard let name = Name(rawValue: try decode(column)) else { throw UnknownName(column: column) }
    return name
  }
}

/// A column holds a name that this version does not know.
struct UnknownName: Error {
  var column: String
}
