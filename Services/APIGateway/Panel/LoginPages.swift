import HTTPTypes
import Hummingbird

/// Lets people in and out, and lets them choose a language.
struct LoginPages: Sendable {
  let panel: Panel

  struct Content: Sendable {
    var username: String
    var next: String
    var problem: PanelProblem?
  }

  var routes: [Route] {
    [
      panel.openPage("/login") { visit in
        let next = PanelURL.local(try visit.query["next"])
        if visit.session != nil { return visit.redirect(next) }
        return page(visit, Content(username: "", next: next, problem: nil))
      },
      panel.action("/login", needsLogin: false) { visit, form in try await login(visit, form) },
      panel.page("/logout") { visit in visit.page(.logout, title: visit.text("logout"), NoContent()) },
      panel.action("/logout") { visit, _ in try await logout(visit) },
      panel.openPage("/language/{tag}") { visit in
        guard let language = PanelLanguage(rawValue: visit.part("tag")) else {
          throw APIError(.notFound, visit.text("problem_NOT_FOUND"))
        }
        var response = visit.redirect(PanelURL.local(try visit.query["next"]))
        set(.language, language.rawValue, seconds: 365 * 86_400, &response)
        return response
      },
    ]
  }

  private func login(_ visit: PanelVisit, _ form: PanelForm) async throws -> Response {
    // Passwords may begin or end with a space.
    let (username, password) = (form.trimmed("username") ?? "", form["password"] ?? "")
    let next = PanelURL.local(form["next"])
    let answer: JSONValue
    do {
      answer = try await visit.post(
        "/api/auth/login", [("username", .string(username)), ("password", .string(password))])
    } catch let error as APIError {
      let content = Content(username: username, next: next, problem: PanelProblem(error, visit.text, login: true))
      var response = page(visit, content, status: .init(code: error.code.status))
      if let seconds = error.retryAfter { response.headers[.retryAfter] = String(seconds) }
      return response
    }
    guard let token = answer["access_token"]?.text else { throw APIError(.internalError, "A login had no token") }
    var response = visit.redirect(next)
    set(.session, token, seconds: panel.sessionHours * 3_600, &response)
    set(.visitor, "", seconds: 0, &response)
    return response
  }

  private func logout(_ visit: PanelVisit) async throws -> Response {
    _ = try await visit.post("/api/auth/logout")
    var response = visit.redirect("/login", notice: "logout")
    set(.session, "", seconds: 0, &response)
    return response
  }

  private func page(_ visit: PanelVisit, _ content: Content, status: HTTPResponse.Status = .ok) -> Response {
    visit.page(.login, title: visit.text("login"), status: status, content)
  }

  private func set(_ cookie: PanelCookie, _ value: String, seconds: Int, _ response: inout Response) {
    response.headers.append(cookie.field(value, seconds: seconds, isSecure: panel.isBehindTLS))
  }
}

/// A page that says only what the catalogue does.
struct NoContent: Sendable {}
