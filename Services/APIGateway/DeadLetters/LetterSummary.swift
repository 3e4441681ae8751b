import Contracts
import Foundation
import Postgres

/// How many letters wait for a decision, by what they died of.
struct LetterSummary: Sendable {
  struct Row: Sendable {
    var errorType: String
    var pending: Int
    var oldestAt: Timestamp

    init(_ row: PostgresRow) throws {
      errorType = try row.decode("error_type")
      pending = try row.decode("pending")
      oldestAt = Timestamp(try row.decode("oldest_at", as: Date.self))
    }
  }

  /// Most of them first.
  var rows: [Row]

  func write(_ json: inout JSONWriter) {
    json.member("pending", rows.reduce(0) { $0 + $1.pending })
    json.member("oldest_pending_at", rows.map(\.oldestAt).min())
    json.array("by_error_type", rows) { json, row in
      json.element { json in
        json.member("error_type", row.errorType)
        json.member("pending", row.pending)
        json.member("oldest_pending_at", row.oldestAt)
      }
    }
  }
}

extension DeadLetterReads {
  func summary() async throws -> LetterSummary {
    LetterSummary(
      rows: try await pool.query(
        """
        SELECT error_type, count(*) AS pending, min(created_at) AS oldest_at FROM dead_letter.letters_read
        WHERE status = 'pending' GROUP BY error_type ORDER BY pending DESC, error_type
        """
      ).map(LetterSummary.Row.init))
  }
}
