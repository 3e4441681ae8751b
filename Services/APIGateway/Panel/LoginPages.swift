import HTTPTypes
import Hummingbird

/// Lets people in and out, and lets them choose a language.
struct LoginPages: Sendable {
  let panel: Panel

  private var login: PanelLogin { PanelLogin(panel: panel) }

  var routes: [Route] {
    [
      panel.openPage("/login") { visit in
        let next = PanelURL.local(try visit.query["next"])
        if visit.session != nil { return visit.redirect(next) }
        return login.page(visit, PanelLogin.Content(next: next))
      },
      panel.action("/login", needsLogin: false) { visit, form in
        let next = PanelURL.local(form["next"])
        return try await login.answer(visit, form, PanelLogin.Content(next: next)) { _ in visit.redirect(next) }
      },
      panel.page("/logout") { visit in visit.page(.logout, title: visit.text("logout"), NoContent()) },
      panel.action("/logout") { visit, _ in try await logout(visit) },
      panel.openPage("/language/{tag}") { visit in
        guard let language = PanelLanguage(rawValue: visit.part("tag")) else {
          throw APIError(.notFound, visit.text("problem_NOT_FOUND"))
        }
        var response = visit.redirect(PanelURL.local(try visit.query["next"]))
        panel.set(.language, language.rawValue, seconds: 365 * 86_400, &response)
        return response
      },
    ]
  }

  private func logout(_ visit: PanelVisit) async throws -> Response {
    _ = try await visit.post("/api/auth/logout")
    var response = visit.redirect("/login", notice: "logout")
    panel.set(.session, "", seconds: 0, &response)
    return response
  }
}

/// A page that says only what the catalogue does.
struct NoContent: Sendable {}
