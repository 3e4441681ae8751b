import HTTPTypes
import Hummingbird

/// Keeps what somebody wrote when their login was over before they sent it: they log in and find all of it again, to be
/// sent by their own click. Whoever else logs in there finds nothing of it.
struct ComposeLogin: Sendable {
  let panel: Panel
  /// The compose page, filled in.
  let page: @Sendable (PanelVisit, ComposeForm, PanelProblem?, HTTPResponse.Status) -> Response

  private static let path = "/compose/login"

  private var login: PanelLogin { PanelLogin(panel: panel) }

  var routes: [Route] {
    [
      // Whoever loads the page anew has let go of what was kept.
      panel.openPage(Self.path) { visit in visit.redirect("/compose") },
      panel.action(
        Self.path, needsLogin: false, isLong: true,
        forged: { visit, fields in
          guard SameOrigin.isSender(of: visit.request) else {
            throw APIError(.forbidden, visit.text("problem_form_token"))
          }
          // Logged in meanwhile, in another window; or the cookie of this page is gone.
          let form = ComposeForm(fields)
          return visit.session == nil ? ask(visit, form) : filled(visit, form, status: .forbidden)
        }
      ) { visit, fields in
        let form = ComposeForm(fields)
        return try await login.answer(visit, fields, content(form)) { token in
          filled(try panel.visit(visit, with: token), form)
        }
      },
    ]
  }

  /// The login's page, which carries the form along.
  func ask(_ visit: PanelVisit, _ form: ComposeForm) -> Response {
    login.page(visit, content(form), status: .unauthorized)
  }

  private func content(_ form: ComposeForm) -> PanelLogin.Content {
    PanelLogin.Content(action: Self.path, next: "/compose", kept: form.fields, isKeeping: true)
  }

  /// The compose page with what was kept, for whoever wrote it; for others an empty one.
  func filled(_ visit: PanelVisit, _ form: ComposeForm, status: HTTPResponse.Status = .ok) -> Response {
    guard let writer = form.writer, writer == visit.principal?.userID.description else {
      return page(visit, ComposeForm(), PanelProblem(message: visit.text("problem_form_other")), status)
    }
    return page(visit, form, PanelProblem(message: visit.text("problem_form_again")), status)
  }
}
