import Contracts
import HTTPTypes
import Hummingbird

/// Users for admins: who there is, what each may do, their tokens, and all of one user's traffic at once.
struct UserPages: Sendable {
  let panel: Panel

  struct List: Sendable {
    var query: String?
    var users: [Line]
    var hasUsers: Bool
    var nextPage: String?
    var fields: UserFormFields
    var problem: PanelProblem?
  }

  struct Line: Sendable {
    var path: String
    var username: String
    var state: PanelState
    /// A second sign, of one whose messages are held back.
    var paused: PanelState?
    var role: String
    var weight: String
    var lastLogin: PanelTime?
    var tokens: String
  }

  struct Detail: Sendable {
    var path: String
    var username: String
    var isSelf: Bool
    var state: PanelState
    var paused: PanelState?
    var fields: UserFormFields
    var problem: PanelProblem?
    var created: PanelTime?
    var lastLogin: PanelTime?
    var tokens: PanelTokens
    var messagesPath: String
    var cancelQuestion: String
  }

  var routes: [Route] {
    [
      panel.adminPage("/admin/users") { visit in try await list(visit) },
      panel.adminAction("/admin/users") { visit, form in try await create(visit, form) },
      panel.adminPage("/admin/users/{id}") { visit in try await detail(visit) },
      panel.adminAction("/admin/users/{id}") { visit, form in try await change(visit, form) },
      panel.adminAction("/admin/users/{id}/delete") { visit, _ in
        _ = try await visit.send(.delete, api(visit))
        return visit.redirect("/admin/users", notice: "user_deleted")
      },
      panel.adminAction("/admin/users/{id}/tokens") { visit, form in
        do {
          let answer = try await visit.post("\(api(visit))/tokens", PanelTokens.body(form, visit.clock))
          return try await detail(visit, newToken: answer["token"]?.text)
        } catch let error as APIError where error.code.status < 500 {
          return try await detail(visit, token: form, problem: PanelProblem(error, visit.text), status: .badRequest)
        }
      },
      panel.adminAction("/admin/users/{id}/tokens/{token_id}/revoke") { visit, _ in
        _ = try await visit.send(.delete, "\(api(visit))/tokens/\(PanelURL.escaped(visit.part("token_id")))")
        return visit.redirect(path(visit), notice: "token_revoked")
      },
      traffic("pause", "user_paused"), traffic("resume", "user_resumed"), traffic("cancel-all", "user_cancelled"),
    ]
  }

  private func traffic(_ name: String, _ notice: String) -> Route {
    panel.adminAction("/admin/users/{id}/\(name)") { visit, form in
      let answer = try await visit.post("\(api(visit))/\(name)")
      // Back to where it was asked for: the user's page, or the queue.
      var path = form["next"].map { PanelURL.local($0) } ?? path(visit)
      // Whom it was about, so that the page waits until that is seen.
      if path.hasPrefix(QueuePage.path) {
        path += (path.contains("?") ? "&" : "?") + "about=\(PanelURL.escaped(visit.part()))"
      }
      if answer["status"]?.text == "requested" { return visit.redirect(path, notice: "requested") }
      return visit.redirect(
        path, notice: notice,
        ["n": answer["cancelled"]?.whole ?? 0, "in_flight": answer["in_flight"]?.whole ?? 0])
    }
  }

  private func api(_ visit: PanelVisit) -> String { "/api/admin/users/\(PanelURL.escaped(visit.part()))" }
  private func path(_ visit: PanelVisit) -> String { "/admin/users/\(PanelURL.escaped(visit.part()))" }

  // MARK: The list

  private func list(
    _ visit: PanelVisit, fields: UserFormFields? = nil, problem: PanelProblem? = nil,
    status: HTTPResponse.Status = .ok
  ) async throws -> Response {
    let query = try visit.query
    var asked: [(name: String, value: String)] = []
    for name in ["q", "cursor"] { if let value = query.trimmed(name) { asked.append((name, value)) } }
    let answer = try await visit.get("/api/admin/users", asked)
    let users = (answer["users"]?.elements ?? []).map { Self.line($0, visit) }
    let fields = if let fields { fields } else { UserFormFields(visit, names: try await visit.providerNames) }
    let next = answer["next_cursor"]?.text.map { cursor in
      "/admin/users" + PanelURL.query((query.trimmed("q").map { [("q", $0)] } ?? []) + [("cursor", cursor)])
    }
    return visit.page(
      .users, title: visit.text("nav_users"), status: status,
      List(
        query: query.trimmed("q"), users: users, hasUsers: !users.isEmpty, nextPage: next,
        fields: fields, problem: problem))
  }

  private static func line(_ json: JSONValue, _ visit: PanelVisit) -> Line {
    let text = visit.text
    return Line(
      path: "/admin/users/\(json["id"]?.text ?? "")", username: json["username"]?.text ?? "",
      state: state(json, text), paused: paused(json, visit),
      role: text(json["is_admin"]?.bool == true ? "role_admin" : "role_user"),
      weight: UserFormFields.digits(json["weight"]?.number ?? 1), lastLogin: visit.clock.time(json["last_login_at"]),
      tokens: PanelText.grouped(json["token_count"]?.whole ?? 0))
  }

  private static func state(_ json: JSONValue, _ text: PanelText) -> PanelState {
    json["is_active"]?.bool == true
      ? PanelState(label: text("user_active"), kind: .good) : PanelState(label: text("user_disabled"), kind: .bad)
  }

  private static func paused(_ json: JSONValue, _ visit: PanelVisit) -> PanelState? {
    json["paused"]?.bool == true ? PanelState(label: visit.text("status_paused"), kind: .warn) : nil
  }

  private func create(_ visit: PanelVisit, _ form: PanelForm) async throws -> Response {
    let names = try await visit.providerNames
    do {
      let answer = try await visit.post("/api/admin/users", UserFormFields.body(form, isNew: true))
      return visit.redirect("/admin/users/\(answer["id"]?.text ?? "")", notice: "user_created")
    } catch let error as APIError where error.code.status < 500 && error.code != .unauthorized {
      return try await list(
        visit, fields: UserFormFields(visit, form: form, names: names), problem: PanelProblem(error, visit.text),
        status: .init(code: error.code.status))
    }
  }

  // MARK: One user

  private func detail(
    _ visit: PanelVisit, form: PanelForm? = nil, newToken: String? = nil, token: PanelForm? = nil,
    problem: PanelProblem? = nil,
    status: HTTPResponse.Status = .ok
  ) async throws -> Response {
    let done = try visit.query["done"]
    let json = try await visit.get(api(visit)) { json in
      switch done {
      case "user_paused": json["paused"]?.bool == true
      case "user_resumed": json["paused"]?.bool == false
      default: true
      }
    }
    let tokens = try await visit.get("\(api(visit))/tokens", [("limit", "200")])
    let names = try await visit.providerNames
    let fields =
      form.map { UserFormFields(visit, form: $0, names: names) } ?? UserFormFields(visit, user: json, names: names)
    let id = json["id"]?.text ?? ""
    return visit.page(
      .user, title: json["username"]?.text ?? "", status: status,
      Detail(
        path: path(visit), username: json["username"]?.text ?? "", isSelf: id == visit.principal?.userID.description,
        state: Self.state(json, visit.text), paused: Self.paused(json, visit), fields: fields, problem: problem,
        created: visit.clock.time(json["created_at"]), lastLogin: visit.clock.time(json["last_login_at"]),
        tokens: PanelTokens(tokens, path: "\(path(visit))/tokens", new: newToken, kept: token, visit),
        messagesPath: "/admin/messages" + PanelURL.query([("user_id", id)]),
        cancelQuestion: QueuePage.question(json["username"]?.text ?? "", visit.text)))
  }

  private func change(_ visit: PanelVisit, _ form: PanelForm) async throws -> Response {
    do {
      // What is allowed now is looked at only when it is about to change.
      let now = UserFormFields.changesProviders(form) ? try await visit.get(api(visit)) : nil
      let body = try UserFormFields.changes(form, of: now)
      guard !body.isEmpty else { return visit.redirect(path(visit)) }
      _ = try await visit.send(.patch, api(visit), body)
      return visit.redirect(path(visit), notice: "user_changed")
    } catch let error as APIError
      where error.code.status < 500 && error.code != .unauthorized && error.code != .notFound
    {
      return try await detail(
        visit, form: form, problem: PanelProblem(error, visit.text), status: .init(code: error.code.status))
    }
  }
}
