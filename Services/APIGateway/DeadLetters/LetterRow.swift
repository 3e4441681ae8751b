import Contracts
import Foundation
import Postgres

/// A letter, or a poison message, as the view `dead_letter.letters_read` shows it.
struct LetterRow: Sendable {
  /// The error type of broker messages that their consumer could not work with.
  static let poison = "poison"

  var id: EnvelopeID
  var status: LetterStatus
  /// The SMS' last known state, also after the letter was closed; `nil` for poison, as everything about an SMS is.
  var unitState: UnitState?
  var errorType: String
  var errorMessage: String?
  var unit: UnitID?
  var userID: UserID?
  var messageClass: String?
  var phone: String?
  var content: String?
  var segments: Int?
  var reference: String?
  var provider: String?
  var pinnedProvider: String?
  var retryCount: Int
  var maxAttempts: Int
  var replayCount: Int
  var replayID: ReplayID?
  var attempts: [UnitsDead.Attempt]
  var createdAt: Timestamp
  var lastAttemptAt: Timestamp?
  var closeReason: String?
  var closedAt: Timestamp?
  /// Where a poison message was taken from.
  var queue: String?
  /// How often a poison message came.
  var times: Int?

  var isPoison: Bool { errorType == Self.poison }

  /// Behind it, newest first.
  var cursor: PageCursor { PageCursor(acceptedAt: createdAt, messageID: MessageID(id.uuid)) }
}

extension LetterRow {
  /// What the initializer reads, for a `SELECT` from the view, as `l`, joined with `since`.
  static let columns = """
    l.id, l.status, coalesce(s.state, l.unit_state) AS unit_state, l.error_type, l.error_message, l.message_id, l.unit_index, l.user_id, l.class, l.phone,
    l.content, l.segments, l.reference, l.provider, l.pinned_provider, l.retry_count, l.max_attempts, l.replay_count,
    l.replay_id, l.attempts::text AS attempts, l.created_at, l.last_attempt_at, l.close_reason, l.closed_at, l.queue,
    l.times
    """

  /// What has become of a closed letter's SMS since, which its service is not told. Either side may hear of a state later
  /// than the other.
  static let since = """
    LEFT JOIN LATERAL (
      SELECT r.state FROM projection.recipients_read r
      WHERE l.closed_at IS NOT NULL AND r.message_id = l.message_id AND r.unit_index = l.unit_index
        AND (r.changed_at > l.closed_at OR l.unit_state IN ('pending', 'sending', 'retrying'))
      LIMIT 1) s ON true
    """

  init(_ row: PostgresRow) throws {
    id = EnvelopeID(try row.decode("id", as: UUID.self))
    status = try row.decodeName("status")
    unitState = try row.decode("unit_state", as: String?.self).flatMap { UnitState(rawValue: $0) }
    errorType = try row.decode("error_type")
    errorMessage = try row.decode("error_message")
    let message = try row.decode("message_id", as: UUID?.self)
    let index = try row.decode("unit_index", as: Int?.self)
    unit = message.flatMap { message in index.map { UnitID(messageID: MessageID(message), index: $0) } }
    userID = try row.decode("user_id", as: UUID?.self).map { UserID($0) }
    messageClass = try row.decode("class")
    phone = try row.decode("phone")
    content = try row.decode("content")
    segments = try row.decode("segments")
    reference = try row.decode("reference")
    provider = try row.decode("provider")
    pinnedProvider = try row.decode("pinned_provider")
    retryCount = try row.decode("retry_count")
    maxAttempts = try row.decode("max_attempts")
    replayCount = try row.decode("replay_count")
    replayID = try row.decode("replay_id", as: UUID?.self).map { ReplayID($0) }
    let history: String = try row.decode("attempts")
    attempts = try JSONDecoder().decode([UnitsDead.Attempt].self, from: Data(history.utf8))
    createdAt = Timestamp(try row.decode("created_at", as: Date.self))
    lastAttemptAt = try row.decodeTime("last_attempt_at")
    closeReason = try row.decode("close_reason")
    closedAt = try row.decodeTime("closed_at")
    queue = try row.decode("queue")
    times = try row.decode("times")
  }
}
