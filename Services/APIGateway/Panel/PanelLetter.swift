/// A dead letter as lists and its own page show it, from the API's answer.
struct PanelLetter: Sendable {
  var path: String
  var status: PanelState
  var smsStatus: PanelState?
  var errorType: String
  var errorMessage: String?
  /// Of an SMS the number, of a broker message its queue.
  var subject: String
  var text: String?
  var username: String?
  var lastProvider: String?
  var tries: String?
  var replays: Int
  var created: PanelTime?
  var lastTried: PanelTime?
  var messagePath: String?
  var isPoison: Bool
  var isPending: Bool
  var isUnconfirmed: Bool
  /// An SMS of which it is known that it did not go out.
  var isDead: Bool

  init(_ json: JSONValue, _ visit: PanelVisit) {
    let status = json["status"]?.text ?? ""
    let sms = json["sms_status"]?.text
    path = "\(DeadLetterPages.path)/\(json["id"]?.text ?? "")"
    let kind: PanelState.Kind =
      switch status {
      case "pending": .bad
      case "replaying": .warn
      case "retried", "settled": .good
      default: .plain
      }
    self.status = PanelState(label: visit.text("letter_\(status)"), kind: kind)
    smsStatus = sms.map { PanelState(message: $0, visit.text) }
    errorType = visit.text.known("error_\(json["error_type"]?.text ?? "")") ?? json["error_type"]?.text ?? ""
    errorMessage = json["error_message"]?.text
    subject = json["phone"]?.text ?? json["queue"]?.text ?? "–"
    text = json["content"]?.text
    username = json["username"]?.text
    lastProvider = json["provider"]?.text
    tries = json["retry_count"]?.whole.map { "\($0)/\(json["max_attempts"]?.whole ?? 0)" }
    replays = json["replay_count"]?.whole ?? 0
    created = visit.clock.time(json["created_at"])
    lastTried = visit.clock.time(json["last_attempt_at"])
    messagePath = json["message_id"]?.text.map { "/history/\($0)" }
    isPoison = json["error_type"]?.text == "poison"
    isPending = status == "pending"
    isUnconfirmed = isPending && sms == "unconfirmed"
    isDead = isPending && sms == "dead"
  }
}
