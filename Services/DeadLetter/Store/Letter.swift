import Contracts
import Foundation
import Postgres

/// A letter as it is stored, for people to read.
struct Letter: Sendable, Encodable {
  var id: EnvelopeID
  var state: String
  var unitState: String
  var errorType: String
  var errorMessage: String?
  var messageID: MessageID
  var unitIndex: Int
  var dispatch: Int
  var userID: UserID
  var messageClass: String
  var phone: String
  var content: String
  var provider: String?
  /// The only ones that may carry the message; `nil` for all.
  var providers: [String]?
  var retryCount: Int
  var maxAttempts: Int
  var attempts: [UnitsDead.Attempt]
  var replayCount: Int
  var replayID: ReplayID?
  var createdAt: Timestamp
  var lastAttemptAt: Timestamp?
  var closeReason: String?
  var closedAt: Timestamp?

  init(_ row: PostgresRow) throws {
    id = EnvelopeID(try row.decode("letter_id"))
    state = try row.decode("state")
    unitState = try row.decode("unit_state")
    errorType = try row.decode("error_type")
    errorMessage = try row.decode("error_message")
    messageID = MessageID(try row.decode("message_id"))
    unitIndex = try row.decode("unit_index")
    dispatch = try row.decode("dispatch")
    userID = UserID(try row.decode("user_id"))
    messageClass = try row.decode("class")
    phone = try row.decode("phone")
    content = try row.decode("content")
    provider = try row.decode("provider")
    providers = try row.decode("providers")
    replayCount = try row.decode("replay_count")
    replayID = try row.decode("replay_id", as: UUID?.self).map(ReplayID.init)
    retryCount = try row.decode("retry_count")
    maxAttempts = try row.decode("max_attempts")
    let history: String = try row.decode("attempts")
    attempts = try JSONDecoder().decode([UnitsDead.Attempt].self, from: Data(history.utf8))
    createdAt = Timestamp(try row.decode("created_at", as: Date.self))
    lastAttemptAt = try row.decode("last_attempt_at", as: Date?.self).map { Timestamp($0) }
    closeReason = try row.decode("close_reason")
    closedAt = try row.decode("closed_at", as: Date?.self).map { Timestamp($0) }
  }

  enum CodingKeys: String, CodingKey {
    case id, dispatch, phone, content, provider, providers, attempts
    case replayCount = "replay_count"
    case replayID = "replay_id"
    case state = "status"
    case unitState = "unit_state"
    case errorType = "error_type"
    case errorMessage = "error_message"
    case messageID = "message_id"
    case unitIndex = "unit_index"
    case userID = "user_id"
    case messageClass = "class"
    case retryCount = "retry_count"
    case maxAttempts = "max_attempts"
    case createdAt = "created_at"
    case lastAttemptAt = "last_attempt_at"
    case closeReason = "close_reason"
    case closedAt = "closed_at"
  }
}
