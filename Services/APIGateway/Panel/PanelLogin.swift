import HTTPTypes
import Hummingbird

/// Lets somebody in: shows the form, asks the API, and gives the browser its cookie.
struct PanelLogin: Sendable {
  let panel: Panel

  /// The login's page.
  struct Content: Sendable {
    /// Where its form goes.
    var action = "/login"
    var username = ""
    var next = "/"
    var problem: PanelProblem?
    /// What somebody had typed when they turned out not to be logged in any more.
    var kept: [PanelField] = []
    var isKeeping = false
  }

  func page(_ visit: PanelVisit, _ content: Content, status: HTTPResponse.Status = .ok) -> Response {
    visit.page(.login, title: visit.text("login"), status: status, content)
  }

  /// - Parameters:
  ///   - content: The page that is shown again when the login is refused.
  ///   - goOn: What is answered to whoever is let in; it is given their session's token.
  func answer(
    _ visit: PanelVisit, _ form: PanelForm, _ content: Content, goOn: (String) async throws -> Response
  ) async throws -> Response {
    // Passwords may begin or end with a space.
    let (username, password) = (form.trimmed("username") ?? "", form["password"] ?? "")
    let answer: JSONValue
    do {
      answer = try await visit.post(
        "/api/auth/login", [("username", .string(username)), ("password", .string(password))])
    } catch let error as APIError {
      var content = content
      content.username = username
      content.problem = PanelProblem(error, visit.text, login: true)
      var response = page(visit, content, status: .init(code: error.code.status))
      if let seconds = error.retryAfter { response.headers[.retryAfter] = String(seconds) }
      return response
    }
    guard let token = answer["access_token"]?.text else { throw APIError(.internalError, "A login had no token") }
    var response = try await goOn(token)
    panel.set(.session, token, seconds: panel.sessionHours * 3_600, &response)
    panel.set(.visitor, "", seconds: 0, &response)
    return response
  }
}
