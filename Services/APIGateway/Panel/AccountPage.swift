import HTTPTypes
import Hummingbird

/// One's own account: password and tokens.
struct AccountPage: Sendable {
  let panel: Panel

  struct Content: Sendable {
    var problem: PanelProblem?
    /// How many SMS of the day's limit are used.
    var use: String?
    var tokens: PanelTokens
  }

  var routes: [Route] {
    [
      panel.page("/account") { visit in try await page(visit) },
      panel.action("/account/password") { visit, form in try await changePassword(visit, form) },
      panel.action("/account/tokens") { visit, form in
        do {
          let answer = try await visit.post("/api/auth/tokens", try PanelTokens.body(form, visit.clock))
          return try await page(visit, newToken: answer["token"]?.text)
        } catch let error as APIError where error.code == .invalidField || error.code == .missingFields {
          return try await page(visit, kept: form, problem: PanelProblem(error, visit.text), status: .badRequest)
        }
      },
      panel.action("/account/tokens/{token_id}/revoke") { visit, _ in
        _ = try await visit.send(.delete, "/api/auth/tokens/\(PanelURL.escaped(visit.part("token_id")))")
        return visit.redirect("/account", notice: "token_revoked")
      },
    ]
  }

  private func changePassword(_ visit: PanelVisit, _ form: PanelForm) async throws -> Response {
    do {
      guard form["new_password"] == form["repeat_password"] else {
        throw APIError.invalidField("repeat_password", "not_equal", "The two new passwords differ")
      }
      _ = try await visit.post(
        "/api/auth/password",
        [
          ("current_password", .string(form["current_password"] ?? "")),
          ("new_password", .string(form["new_password"] ?? "")),
        ])
      // All logins have ended, this one too.
      return visit.redirect("/login", notice: "password")
    } catch let error as APIError where error.code == .invalidField || error.code == .rateLimited {
      return try await page(
        visit, problem: PanelProblem(error, visit.text, login: true), status: .init(code: error.code.status))
    }
  }

  /// `186 of 200 SMS used today, 14 left.`; `nil` for who has no limit.
  static func use(_ me: JSONValue, _ text: PanelText) -> String? {
    guard let limit = me["daily_limit"]?.whole, let used = me["used_today"]?.whole else { return nil }
    return text(
      "used_today",
      [
        "used": PanelText.grouped(used), "limit": PanelText.grouped(limit),
        "left": PanelText.grouped(max(0, limit - used)),
      ])
  }

  private func page(
    _ visit: PanelVisit, newToken: String? = nil, kept: PanelForm? = nil, problem: PanelProblem? = nil,
    status: HTTPResponse.Status = .ok
  ) async throws -> Response {
    let tokens = try await visit.get("/api/auth/tokens", [("limit", "200")])
    let use = Self.use(try await visit.get("/api/auth/me"), visit.text)
    return visit.page(
      .account, title: visit.text("nav_account"), status: status,
      Content(
        problem: problem, use: use,
        tokens: PanelTokens(tokens, path: "/account/tokens", new: newToken, kept: kept, visit)))
  }
}
