import Contracts
import Foundation
import Postgres

/// What does not add up now, as the view `ledger_read` says.
struct LedgerReport: Sendable, Equatable {
  /// One thing that is wrong.
  struct Finding: Sendable, Equatable {
    /// `bucket`, `unqueued`, `unbalanced`, `contradicted`, `unaccepted`.
    var kind: String
    var bucket: Int?
    var messages: Int
    var sms: Int
    /// Some of the messages it may be about.
    var messageIDs: [UUID]
    /// It is wrong for longer than a recovery takes.
    var isError: Bool

    /// The same as long as it is the same thing that is wrong.
    var name: String { bucket.map { "\(kind) \($0)" } ?? kind }
  }

  var findings: [Finding]
  /// How long ago the newest mark was made that was compared; `nil` before the first.
  var comparedAgo: Duration?

  /// SMS by which the scheduler's count and ours differ.
  var differingSMS: Int { findings.reduce(0) { $0 + $1.sms } }
  /// Messages that were accepted a minute ago and that the scheduler has not queued.
  var unqueuedMessages: Int { findings.first { $0.kind == "unqueued" && $0.isError }?.messages ?? 0 }
}

extension LedgerReport {
  static func read(_ pool: PostgresPool) async throws -> LedgerReport {
    let rows = try await pool.query(
      "SELECT kind, bucket, messages, sms, message_ids, is_error FROM \(ProjectionSchema.live).ledger_read")
    let findings = try rows.map { row in
      Finding(
        kind: try row.decode("kind"), bucket: try row.decode("bucket"), messages: try row.decode("messages"),
        sms: try row.decode("sms"), messageIDs: try row.decode("message_ids"), isError: try row.decode("is_error"))
    }
    let age = try await pool.query(
      """
      SELECT extract(epoch FROM sluice.clock() - marked_at)::double precision AS seconds
      FROM \(ProjectionSchema.live).ledger_comparison
      """
    ).first?.decode("seconds", as: Double?.self)
    return LedgerReport(findings: findings, comparedAgo: age.map { .seconds($0) })
  }
}
