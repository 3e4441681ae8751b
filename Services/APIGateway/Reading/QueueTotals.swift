import Contracts
import Metering
import Postgres

/// What waits and what is being sent, of everybody and of one user.
struct QueueTotals: Sendable {
  /// SMS that are not final and not being sent.
  var waitingUnits = 0
  var pendingMessages = 0
  var sendingMessages = 0
  var oldestPendingAt: Timestamp?
  var yourPending = 0
  var yourSending = 0
  /// Where the user's last SMS stands in each of their flows: the number behind it.
  var yourFlows: [FlowKey: Int64] = [:]
}

extension ReadStore {
  func queueTotals(for user: UserID) async throws -> QueueTotals {
    var totals = QueueTotals()
    if let row = try await pool.query(
      """
      SELECT coalesce(sum(pending + retrying), 0)::bigint AS waiting,
        count(*) FILTER (WHERE job_status = 'pending') AS pending,
        count(*) FILTER (WHERE job_status = 'sending') AS sending,
        min(accepted_at) FILTER (WHERE pending + retrying > 0) AS oldest,
        count(*) FILTER (WHERE job_status = 'pending' AND user_id = \(user.uuid)) AS your_pending,
        count(*) FILTER (WHERE job_status = 'sending' AND user_id = \(user.uuid)) AS your_sending
      FROM projection.messages_read WHERE job_status IN ('pending', 'sending')
      """
    ).first {
      totals.waitingUnits = try row.decode("waiting")
      totals.pendingMessages = try row.decode("pending")
      totals.sendingMessages = try row.decode("sending")
      totals.oldestPendingAt = try row.decodeTime("oldest")
      totals.yourPending = try row.decode("your_pending")
      totals.yourSending = try row.decode("your_sending")
    }
    guard totals.yourPending + totals.yourSending > 0 else { return totals }
    for row in try await pool.query(
      """
      SELECT class, provider, max(first_number + recipient_count) AS behind
      FROM projection.messages_read
      WHERE user_id = \(user.uuid) AND job_status IN ('pending', 'sending') AND first_number IS NOT NULL
      GROUP BY class, provider
      """)
    {
      let flow = FlowKey(
        messageClass: try row.decodeName("class"), userID: user, provider: try row.decode("provider"))
      totals.yourFlows[flow] = try row.decode("behind")
    }
    return totals
  }
}
