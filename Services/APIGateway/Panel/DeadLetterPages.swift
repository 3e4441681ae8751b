import Contracts
import HTTPTypes
import Hummingbird

/// Dead letters for admins: found, looked at, and replayed, abandoned or settled, one or many, after a look at what it
/// would do.
struct DeadLetterPages: Sendable {
  let panel: Panel

  struct List: Sendable {
    var filter: LetterListFilter
    var letters: [PanelLetter]
    var hasLetters: Bool
    var nextPage: String?
    /// What a command on all that is found would do.
    var preview: Preview?
    var problem: PanelProblem?
    var classes: [PanelChoice]
    var providers: [PanelChoice]
    /// What was written below the list.
    var limit: String
    var reason: String
    var endReason: String
  }

  struct Preview: Sendable {
    /// The action of the form that carries it out.
    var path: String
    var question: String
    /// That some may arrive twice.
    var warning: String?
    var button: String
    /// The form as it was filled in.
    var fields: [PanelField]
    var isPossible: Bool
  }

  static let path = "/admin/dead-letter"
  /// The error type that names letters of unconfirmed SMS.
  private static let unconfirmed = UnitState.unconfirmed.rawValue
  static let api = "/api/admin/dead-letters"

  var routes: [Route] {
    [
      panel.adminPage(Self.path) { visit in
        do {
          return try await list(visit)
        } catch let error as APIError where error.code == .invalidField {
          // What was searched for stays, to be mended.
          return try await list(visit, problem: PanelProblem(error, visit.text), isFound: false, status: .badRequest)
        }
      },
      many("replay"), many("abandon"), many("settle"),
    ]
  }

  private func many(_ command: String) -> Route {
    panel.adminAction("\(Self.path)/\(command)") { visit, form in
      do {
        let body = Self.body(command, form)
        guard form.isTicked("confirmed") else {
          let found = try await visit.post("\(Self.api)/\(command)", body + [("dry_run", .bool(true))])
          let unconfirmed = command == "replay" ? try await Self.unconfirmed(body, form, visit) : 0
          return try await list(
            visit, form: form, preview: Self.preview(command, found, unconfirmed: unconfirmed, form, visit))
        }
        let answer = try await visit.post("\(Self.api)/\(command)", body)
        let path = command == "replay" ? "\(Self.path)/replays" : Self.path
        if answer["status"]?.text == "requested" { return visit.redirect(path, notice: "requested") }
        if answer["already"]?.bool == true { return visit.redirect(path, notice: "letters_already") }
        return visit.redirect(path, notice: "letters_\(command)", ["n": answer["count"]?.whole ?? 0])
      } catch let error as APIError
        where error.code.status < 500 && error.code != .unauthorized && error.code != .forbidden
      {
        return try await list(
          visit, form: form, command: command, problem: PanelProblem(error, visit.text),
          status: .init(code: error.code.status))
      }
    }
  }

  private static func body(_ command: String, _ form: PanelForm) -> [(String, JSONValue?)] {
    let filter = LetterListFilter.selecting.compactMap { name in
      form.trimmed(name).map { JSONMember(name: name, value: .string($0)) }
    }
    var body: [(String, JSONValue?)] = [
      ("filter", .object(filter)), ("reason", form.trimmed("reason").map { .string($0) }),
    ]
    // What is no number is refused by the API, with all else that is wrong.
    if let text = form.trimmed("limit") { body.append(("limit", UserFormFields.number(text))) }
    if command == "replay" {
      body.append(("class", form.trimmed("class").map { .string($0) }))
      body.append(("provider", form.trimmed("by_provider").map { .string($0) }))
      // The page shows what is chosen and asks before anything is done.
      if filter.isEmpty { body.append(("all", .bool(true))) }
    }
    if command == "settle" { body.append(("as", .string(form["as"] ?? ""))) }
    return body
  }

  /// How many letters of unconfirmed SMS the filter finds. A replay takes them only when the filter names that state.
  private static func unconfirmed(
    _ body: [(String, JSONValue?)], _ form: PanelForm, _ visit: PanelVisit
  ) async throws -> Int {
    guard form.trimmed("error_type") ?? Self.unconfirmed == Self.unconfirmed else { return 0 }
    let filter = LetterListFilter.selecting.compactMap { name in
      name == "error_type"
        ? JSONMember(name: name, value: .string(Self.unconfirmed))
        : form.trimmed(name).map { JSONMember(name: name, value: .string($0)) }
    }
    let found = try await visit.post(
      "\(api)/replay", body.filter { $0.0 != "filter" } + [("filter", .object(filter)), ("dry_run", .bool(true))])
    return found["count"]?.whole ?? 0
  }

  private static func preview(
    _ command: String, _ found: JSONValue, unconfirmed: Int, _ form: PanelForm, _ visit: PanelVisit
  ) -> Preview {
    let text = visit.text
    let count = found["count"]?.whole ?? 0
    var question = text.count("letters_ask_\(command)", count)
    if command == "replay", count > 0 {
      question += " " + text.count("letters_parts", found["segments"]?.whole ?? 0)
      if let end = visit.clock.time(found["estimated_complete_at"]) {
        question += " " + text("letters_done_about", ["time": end.text])
      }
    }
    let names = LetterListFilter.selecting + ["limit", "reason", "class", "by_provider", "as"]
    var fields = names.compactMap { name in form.trimmed(name).map { PanelField(name: name, value: $0) } }
    // What comes meanwhile is not what somebody has said yes to.
    fields.removeAll { $0.name == "limit" }
    fields.append(PanelField(name: "limit", value: String(max(1, count))))
    if form.trimmed("to") == nil { fields.append(PanelField(name: "to", value: Timestamp.now().description)) }
    return Preview(
      path: "\(path)/\(command)", question: question,
      warning: unconfirmed == 0
        ? nil
        : form.trimmed("error_type") == Self.unconfirmed
          ? text.count("letters_unconfirmed", min(unconfirmed, count))
          : text.count("letters_left_out", unconfirmed),
      button: text("letters_\(command)_now"), fields: fields,
      isPossible: count > 0)
  }

  /// - Parameters:
  ///   - form: What was asked of all that is found, to be shown again.
  ///   - isFound: False where the search itself is wrong.
  private func list(
    _ visit: PanelVisit, form: PanelForm? = nil, command: String = "replay", preview: Preview? = nil,
    problem: PanelProblem? = nil, isFound: Bool = true, status: HTTPResponse.Status = .ok
  ) async throws -> Response {
    let written = try visit.query
    let query = isFound ? try await visit.naming(written) : written
    let filter = LetterListFilter(form ?? query, visit, isFound: form != nil)
    var asked = filter.asked
    if let cursor = query["cursor"] { asked.append(("cursor", cursor)) }
    let answer = isFound ? try await visit.searching(asked) { try await visit.get(Self.api, $0) } : .null
    let letters = (answer["dead_letters"]?.elements ?? []).map { PanelLetter($0, visit) }
    return visit.page(
      .letters, title: visit.text("nav_letters"), status: status,
      List(
        filter: filter, letters: letters, hasLetters: !letters.isEmpty,
        nextPage: answer["next_cursor"]?.text.map { Self.path + PanelURL.query(filter.fields + [("cursor", $0)]) },
        preview: preview, problem: problem,
        classes: PanelChoice.classes(visit.text, chosen: form?["class"] ?? MessageClass.bulk.rawValue),
        providers: PanelChoice.names(
          try await visit.providerNames, chosen: Set([form?["by_provider"]].compactMap { $0 })),
        limit: form?["limit"] ?? "", reason: command == "replay" ? form?["reason"] ?? "" : "",
        endReason: command == "replay" ? "" : form?["reason"] ?? ""))
  }
}

/// Which letters are listed, and which a command on all of them is about.
struct LetterListFilter: Sendable {
  /// The fields that a command takes as well.
  static let selecting = ["error_type", "provider", "user_id", "message_id", "from", "to"]

  var statuses: [PanelChoice]
  var errorType: String?
  var provider: String?
  var username: String?
  var messageID: String?
  var from: String?
  var to: String?
  /// Exactly what the API is told, to be told again by a command.
  var exact: [PanelField]
  var fields: [(name: String, value: String)]
  var asked: [(name: String, value: String)]

  /// - Parameter isFound: Whether these are the exact fields of a list that was found before.
  init(_ form: PanelForm, _ visit: PanelVisit, isFound: Bool) {
    // What waits for a decision is what people come for.
    let status = isFound ? "pending" : form["status"] ?? "pending"
    let values = Self.selecting.compactMap { name in form.trimmed(name).map { (name: name, value: $0) } }
    fields = [("status", status)] + values
    let exactValues = values.map { field -> (name: String, value: String) in
      switch field.name {
      case "from": (field.name, visit.clock.start(of: field.value)?.description ?? field.value)
      case "to": (field.name, visit.clock.end(of: field.value)?.description ?? field.value)
      default: field
      }
    }
    exact = exactValues.map { PanelField(name: $0.name, value: $0.value) }
    asked = (status == "all" ? [] : [("status", status)]) + exactValues
    errorType = form.trimmed("error_type")
    provider = form.trimmed("provider")
    username = form.trimmed("user")
    messageID = form.trimmed("message_id")
    from = form.trimmed("from")
    to = form.trimmed("to")
    statuses = (["all"] + LetterStatus.allCases.map(\.rawValue)).map {
      .init(value: $0, label: $0 == "all" ? visit.text("all") : visit.text("letter_\($0)"), isChosen: $0 == status)
    }
  }
}
