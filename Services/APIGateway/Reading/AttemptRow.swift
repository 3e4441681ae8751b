import Contracts
import Postgres

/// One try to send an SMS, as the view `projection.attempts_read` shows it.
struct AttemptRow: Sendable {
  var provider: String?
  /// `nil` while it is under way, or when it ended before anything was sent.
  var outcome: String?
  var replyStatus: Int?
  var replyBody: String?
  var errorCode: String?
  var startedAt: Timestamp?
  var finishedAt: Timestamp?

  init(_ row: PostgresRow) throws {
    provider = try row.decode("provider")
    outcome = try row.decode("outcome")
    replyStatus = try row.decode("reply_status")
    replyBody = try row.decode("reply_body")
    errorCode = try row.decode("error_code")
    startedAt = try row.decodeTime("started_at")
    finishedAt = try row.decodeTime("finished_at")
  }

  /// - Parameter number: From 1, the first try of all.
  func write(_ json: inout JSONWriter, number: Int) {
    json.member("attempt", number)
    json.member("provider", provider)
    json.member("status_code", replyStatus)
    json.member("response_data", replyBody)
    json.member("outcome", outcome)
    json.member("error_code", errorCode)
    json.member("started_at", startedAt)
    json.member("created_at", finishedAt ?? startedAt)
  }
}
