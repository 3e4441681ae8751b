import Contracts
import Postgres

/// What waits and what is being sent, of everybody and of one user. Nothing is counted to read it.
struct QueueTotals: Sendable {
  /// SMS that are not final and not being sent.
  var waitingUnits = 0
  var pendingMessages = 0
  var sendingMessages = 0
  var oldestPendingAt: Timestamp?
  var yourPending = 0
  var yourSending = 0
}

extension ReadStore {
  func queueTotals(for user: UserID) async throws -> QueueTotals {
    var totals = QueueTotals()
    let rows = try await pool.query(
      """
      SELECT user_id IS NULL AS is_everybody, pending_messages, sending_messages, pending + retrying AS waiting,
        oldest_pending_at
      FROM projection.totals_read WHERE user_id IS NULL OR user_id = \(user.uuid)
      """)
    for row in rows {
      if try row.decode("is_everybody") {
        totals.waitingUnits = try row.decode("waiting")
        totals.pendingMessages = try row.decode("pending_messages")
        totals.sendingMessages = try row.decode("sending_messages")
        totals.oldestPendingAt = try row.decodeTime("oldest_pending_at")
      } else {
        totals.yourPending = try row.decode("pending_messages")
        totals.yourSending = try row.decode("sending_messages")
      }
    }
    return totals
  }

  /// How many messages of a user, or of all, have one of these statuses; `nil` for any.
  func total(of user: UserID?, _ statuses: [JobStatus]?) async throws -> Int {
    let whose: PostgresQuery = user.map { "user_id = \($0.uuid)" } ?? "user_id IS NULL"
    let row = try await pool.query(
      """
      SELECT messages, pending_messages, sending_messages, completed_messages, partial_messages, failed_messages,
        cancelled_messages, expired_messages, unconfirmed_messages
      FROM projection.totals_read WHERE \(whose)
      """
    ).first
    guard let row else { return 0 }
    guard let statuses else { return try row.decode("messages") }
    return try statuses.reduce(0) { try $0 + row.decode("\($1.rawValue)_messages", as: Int.self) }
  }
}
