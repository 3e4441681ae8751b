import Contracts
import Foundation

/// What is searched for in a list of messages, as the form has it and as the API is asked.
struct MessageListFilter: Sendable {
  /// A filter that is one click away.
  struct Quick: Sendable {
    var path: String
    var label: String
  }

  var text: String?
  var phone: String?
  var reference: String?
  var from: String?
  var to: String?
  var username: String?
  var statuses: [PanelChoice]
  var classes: [PanelChoice]
  /// The fields that are filled in, to come back to this list.
  var fields: [(name: String, value: String)]
  /// The same for the API.
  var asked: [(name: String, value: String)]

  init(_ query: PanelForm, _ visit: PanelVisit, isAdmins: Bool) {
    let names = ["q", "phone", "reference", "from", "to", "status", "class"] + (isAdmins ? ["user_id"] : [])
    fields = names.compactMap { name in query.trimmed(name).map { (name, $0) } }
    text = query.trimmed("q")
    phone = query.trimmed("phone")
    reference = query.trimmed("reference")
    from = query.trimmed("from")
    to = query.trimmed("to")
    username = isAdmins ? query.trimmed("user") : nil
    statuses = PanelChoice.labelled(
      JobStatus.allCases.map(\.rawValue), "status", visit.text, chosen: query["status"])
    classes = PanelChoice.classes(visit.text, chosen: query["class"])
    asked = fields.map { field in
      switch field.name {
      case "status": return ("job_status", field.value)
      // A day, or a day and a time, where the reader is.
      case "from":
        return (isAdmins ? "start_date" : "from", visit.clock.start(of: field.value)?.description ?? field.value)
      case "to":
        return (isAdmins ? "end_date" : "to", visit.clock.end(of: field.value)?.description ?? field.value)
      default: return field
      }
    }
  }

  /// The last 3 hours, today, the last 7 days.
  static func quick(_ path: String, _ visit: PanelVisit) -> [Quick] {
    let now = Timestamp.now()
    func local(_ time: Timestamp) -> String { String(visit.clock.time(time).text.prefix(16)) }
    func since(_ text: String) -> String { path + PanelURL.query([("from", text)]) }
    return [
      Quick(path: since(local(now + .seconds(-3 * 3_600))), label: visit.text("quick_3_hours")),
      Quick(path: since(String(local(now).prefix(10))), label: visit.text("quick_today")),
      Quick(path: since(String(local(now + .seconds(-7 * 86_400)).prefix(10))), label: visit.text("quick_7_days")),
    ]
  }
}
