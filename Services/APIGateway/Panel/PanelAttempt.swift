/// One try to send an SMS, of a message's answer or of a dead letter's.
struct PanelAttempt: Sendable {
  var number: Int
  var provider: String
  var outcome: String
  var status: String
  var reply: String
  var started: PanelTime?
  var ended: PanelTime?

  init(_ row: JSONValue, _ visit: PanelVisit) {
    number = row["attempt"]?.whole ?? 0
    provider = row["provider"]?.text ?? ""
    outcome = row["outcome"]?.text.map { visit.text("outcome_\($0)") } ?? visit.text("status_sending")
    status = row["status_code"]?.whole.map(String.init) ?? row["error_code"]?.text ?? "–"
    reply = row["response_data"]?.text ?? ""
    started = visit.clock.time(row["started_at"])
    ended = visit.clock.time(row["finished_at"] ?? row["created_at"])
  }
}
