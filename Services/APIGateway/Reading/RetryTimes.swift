import Contracts
import Foundation
import Postgres

/// Between which times the failed SMS of a message wait for their turn again.
struct RetryTimes: Sendable, Equatable {
  var first: Timestamp
  var last: Timestamp
}

extension ReadStore {
  /// The message with the times of its retries, if it has any.
  func withRetries(_ row: MessageRow) async throws -> MessageRow { try await withRetries([row]).first ?? row }

  /// The messages with the times of their retries, where they have any.
  func withRetries(_ rows: [MessageRow]) async throws -> [MessageRow] {
    let retrying = rows.filter { $0.counts.retrying > 0 }.map(\.messageID)
    guard !retrying.isEmpty else { return rows }
    var times: [MessageID: RetryTimes] = [:]
    for row in try await pool.query(
      """
      SELECT message_id, min(due_at) AS first_at, max(due_at) AS last_at FROM projection.recipients_read
      WHERE message_id = ANY (\(retrying.map(\.uuid))) AND state = 'retrying' AND due_at IS NOT NULL GROUP BY message_id
      """)
    {
      times[MessageID(try row.decode("message_id", as: UUID.self))] = RetryTimes(
        first: Timestamp(try row.decode("first_at", as: Date.self)),
        last: Timestamp(try row.decode("last_at", as: Date.self)))
    }
    return rows.map { row in
      var row = row
      row.retries = times[row.messageID]
      return row
    }
  }
}
