/// Who did what, for admins.
struct AuditPage: Sendable {
  let panel: Panel

  struct Content: Sendable {
    var actions: [PanelChoice]
    var from: String?
    var to: String?
    var userID: String?
    var entries: [Entry]
    var hasEntries: Bool
    var nextPage: String?
  }

  struct Entry: Sendable {
    var at: PanelTime?
    var user: String
    var action: String
    /// What it was done to, by its kind and its id.
    var type: String?
    var subject: String
    var details: String
    var outcome: PanelState
    var address: String
  }

  var routes: [Route] {
    [
      panel.adminPage("/admin/audit") { visit in
        let query = try visit.query
        let fields = ["action", "user_id", "from", "to"].compactMap { name in
          query.trimmed(name).map { (name: name, value: $0) }
        }
        var asked = fields.map { field -> (name: String, value: String) in
          switch field.name {
          case "from": (field.name, visit.clock.start(of: field.value)?.description ?? field.value)
          case "to": (field.name, visit.clock.end(of: field.value)?.description ?? field.value)
          default: field
          }
        }
        if let cursor = query["cursor"] { asked.append(("cursor", cursor)) }
        let answer = try await visit.get("/api/admin/audit", asked)
        let entries = (answer["entries"]?.elements ?? []).map { Self.entry($0, visit) }
        return visit.page(
          .audit, title: visit.text("nav_audit"),
          Content(
            actions: AuditAction.allCases.map {
              .init(
                value: $0.rawValue, label: Self.name($0.rawValue, visit.text),
                isChosen: $0.rawValue == query["action"])
            },
            from: query.trimmed("from"), to: query.trimmed("to"), userID: query.trimmed("user_id"), entries: entries,
            hasEntries: !entries.isEmpty,
            nextPage: answer["next_cursor"]?.text.map { "/admin/audit" + PanelURL.query(fields + [("cursor", $0)]) }))
      }
    ]
  }

  /// `Letter settled` for `dead_letter.settle`; another release's action keeps its own name.
  static func name(_ action: String, _ text: PanelText) -> String {
    text.known("audit_\(action.replacing(".", with: "_"))") ?? action
  }

  private static func entry(_ json: JSONValue, _ visit: PanelVisit) -> Entry {
    let outcome = json["outcome"]?.text ?? ""
    let text = visit.text
    let type = json["subject_type"]?.text.map { text.known("audit_subject_\($0)") ?? $0 }
    return Entry(
      at: visit.clock.time(json["at"]), user: json["username"]?.text ?? "–",
      action: name(json["action"]?.text ?? "", text), type: type, subject: json["subject_id"]?.text ?? "",
      details: (json["details"]?.members ?? []).map { member in
        let name = text.known("field_\(member.name)") ?? member.name
        return "\(name): \(member.value == .null ? "–" : member.value.text ?? JSONWriter.text(member.value))"
      }.joined(separator: ", "),
      outcome: PanelState(
        label: text.known("audit_outcome_\(outcome)") ?? outcome,
        kind: outcome == "done" ? .good : outcome == "requested" ? .plain : .bad),
      address: json["address"]?.text ?? "")
  }
}
