import Hummingbird

/// Who did what, for admins.
struct AuditPage: Sendable {
  let panel: Panel

  struct Content: Sendable {
    var actions: [PanelChoice]
    var from: String?
    var to: String?
    var filterName: String?
    var entries: [Entry]
    var hasEntries: Bool
    var nextPage: String?
    var problem: PanelProblem?
  }

  struct Entry: Sendable {
    var at: PanelTime?
    var user: String
    var userPath: String?
    var action: String
    /// What it was done to: its kind, and its name or its id.
    var type: String?
    var subject: String
    /// Its page.
    var path: String?
    var details: String
    var outcome: PanelState
    var address: String
  }

  var routes: [Route] {
    [
      panel.adminPage("/admin/audit") { visit in
        let written = try visit.query
        do {
          return try await page(visit, try await visit.naming(written))
        } catch let error as APIError where error.code == .invalidField {
          // What was searched for stays, to be mended.
          let content = content(written, visit, problem: PanelProblem(error, visit.text))
          return visit.page(.audit, title: visit.text("nav_audit"), status: .badRequest, content)
        }
      }
    ]
  }

  private func page(_ visit: PanelVisit, _ query: PanelForm) async throws -> Response {
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
    let answer = try await visit.searching(asked) { try await visit.get("/api/admin/audit", $0) }
    let found = answer["entries"]?.elements ?? []
    let names = await Self.names(of: found, visit)
    var content = content(query, visit)
    content.entries = found.map { Self.entry($0, names, visit) }
    content.hasEntries = !content.entries.isEmpty
    content.nextPage = answer["next_cursor"]?.text.map { "/admin/audit" + PanelURL.query(fields + [("cursor", $0)]) }
    return visit.page(.audit, title: visit.text("nav_audit"), content)
  }

  /// The page with its search, and nothing found.
  private func content(_ query: PanelForm, _ visit: PanelVisit, problem: PanelProblem? = nil) -> Content {
    Content(
      actions: AuditAction.allCases.map {
        .init(value: $0.rawValue, label: Self.name($0.rawValue, visit.text), isChosen: $0.rawValue == query["action"])
      },
      from: query.trimmed("from"), to: query.trimmed("to"), filterName: query.trimmed("user"), entries: [],
      hasEntries: false, problem: problem)
  }

  /// `Letter settled` for `dead_letter.settle`; another release's action keeps its own name.
  static func name(_ action: String, _ text: PanelText) -> String {
    text.known("audit_\(action.replacing(".", with: "_"))") ?? action
  }

  /// Users that something was done to or that a filter named, by their ids.
  private static func names(of entries: [JSONValue], _ visit: PanelVisit) async -> [String: String] {
    let ids = Set(
      entries.filter { $0["subject_type"]?.text == "user" }.compactMap { $0["subject_id"]?.text }
        + entries.compactMap { $0["details"]?["user_id"]?.text })
    var names: [String: String] = [:]
    for id in ids {
      // Who was deleted keeps the id.
      let user = try? await visit.api(PanelAPI.Call(path: "/api/admin/users/\(PanelURL.escaped(id))", isCounted: true))
      names[id] = user?["username"]?.text
    }
    return names
  }

  private static func path(_ type: String?, _ id: String) -> String? {
    let folder: String? =
      switch type {
      case "user": "/admin/users/"
      case "message": "/history/"
      case "letter": "/admin/dead-letter/"
      default: nil
      }
    return folder.map { $0 + PanelURL.escaped(id) }
  }

  private static func entry(_ json: JSONValue, _ names: [String: String], _ visit: PanelVisit) -> Entry {
    let outcome = json["outcome"]?.text ?? ""
    let text = visit.text
    let type = json["subject_type"]?.text.map { text.known("audit_subject_\($0)") ?? $0 }
    return Entry(
      at: visit.clock.time(json["at"]), user: json["username"]?.text ?? "–",
      userPath: json["user_id"]?.text.flatMap { path("user", $0) }, action: name(json["action"]?.text ?? "", text),
      type: type,
      subject: json["subject_id"]?.text.map { names[$0] ?? $0 } ?? "",
      path: json["subject_id"]?.text.flatMap { path(json["subject_type"]?.text, $0) },
      details: details(json["details"], names, visit),
      outcome: PanelState(
        label: text.known("audit_outcome_\(outcome)") ?? outcome,
        kind: outcome == "done" ? .good : outcome == "requested" ? .plain : .bad),
      address: json["address"]?.text ?? "")
  }

  /// `Weight: 1 → 2, Reason: …`, with names for users and times where the reader is.
  private static func details(_ json: JSONValue?, _ names: [String: String], _ visit: PanelVisit) -> String {
    func words(_ value: JSONValue) -> String {
      switch value {
      case .null: "–"
      case .bool(let isSo): visit.text(isSo ? "yes" : "no")
      case .array(let elements): elements.map(words).joined(separator: ", ")
      default: visit.clock.time(value)?.text ?? value.text.map { names[$0] ?? $0 } ?? JSONWriter.text(value)
      }
    }
    let was = json?["was"]
    return (json?.members ?? []).filter { $0.name != "was" && $0.name != "token_id" }.map { member in
      let name = visit.text.known("field_\(member.name)") ?? member.name
      let before = was?[member.name].map { "\(words($0)) → " } ?? ""
      return "\(name): \(before)\(words(member.value))"
    }.joined(separator: "; ")
  }
}
