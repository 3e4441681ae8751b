/// A message as lists and its own page show it, from the API's answer.
struct PanelMessage: Sendable {
  var id: String
  var content: String
  var status: PanelState
  /// A second sign beside the state.
  var paused: PanelState?
  var messageClass: String
  var reference: String?
  var created: PanelTime?
  /// `+85291234567`, or how many.
  var recipients: String
  var total: Int
  var sent: Int
  /// `12 of 500 sent, 3 not sent`
  var progress: String
  /// False when all of it is over.
  var isOpen: Bool
  /// SMS ahead of it.
  var position: String?
  /// When it is done, as things stand.
  var completes: PanelTime?
  var waitingFor: String?

  init(_ json: JSONValue, _ visit: PanelVisit) {
    let text = visit.text
    func count(_ name: String) -> Int { json["counts"]?[name]?.whole ?? 0 }
    id = json["id"]?.text ?? ""
    content = json["content"]?.text ?? ""
    let name = json["job_status"]?.text ?? ""
    status = PanelState(message: name, text)
    paused = json["paused"]?.bool == true ? PanelState(label: text("status_paused"), kind: .warn) : nil
    messageClass = text("class_\(json["class"]?.text ?? "normal")")
    reference = json["reference"]?.text
    created = visit.clock.time(json["created_at"])
    total = json["recipient_count"]?.whole ?? 0
    let first = json["recipients"]?.elements.first?.text
    recipients = total == 1 ? first ?? text.count("recipients", 1) : text.count("recipients", total)
    let open = count("pending") + count("sending") + count("retrying")
    sent = count("sent")
    let ended = max(0, total - open - sent)
    progress =
      text("progress", ["sent": PanelText.grouped(sent), "total": PanelText.grouped(total)])
      + (ended > 0 ? text.count("progress_not", ended) : "")
    isOpen = open > 0
    position = json["queue_position"]?.whole.map { text.count("ahead", $0) }
    completes = visit.clock.time(json["estimated_complete_at"])
    // That it is paused itself is said by the sign.
    waitingFor = json["waiting_for"]?.text.flatMap { $0 == "message_paused" ? nil : text("waiting_\($0)") }
  }
}

/// A state with a word and a colour; the word says it all.
struct PanelState: Sendable {
  enum Kind: String, Sendable {
    case good, warn, bad
    case plain = ""
  }

  var label: String
  /// The class in the stylesheet.
  var kind: String

  init(label: String, kind: Kind) {
    self.label = label
    self.kind = kind.rawValue
  }

  /// Of a message or an SMS, as the API names it.
  init(message name: String, _ text: PanelText) {
    let kind: Kind =
      switch name {
      case "completed", "sent": .good
      case "partial", "unconfirmed", "retrying": .warn
      case "failed", "dead", "expired": .bad
      default: .plain
      }
    self.init(label: text("status_\(name)"), kind: kind)
  }

  /// Of a provider.
  init(provider name: String, _ text: PanelText) {
    let kind: Kind =
      switch name {
      case "healthy": .good
      case "probing", "paused": .warn
      case "unhealthy": .bad
      default: .plain
      }
    self.init(label: text("provider_\(name)"), kind: kind)
  }
}
