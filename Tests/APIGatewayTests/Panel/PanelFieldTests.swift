import Contracts
import NIOConcurrencyHelpers
import Testing

@testable import APIGateway

/// What is wrong with a form of the panel is said once, all of it, and marked at its fields; what was written stays.
extension GatewayIntegrationTests {
  @Suite("Rejected forms of the panel", .serialized)
  struct RejectedForms {
    /// A form, and the fields of it that are wrong.
    struct Case: Sendable, CustomStringConvertible {
      var page: String
      var path: String
      var fields: [(String, String)]
      var wrong: [String]
      var kept: [String]
      var description: String { path }
    }

    @Test(
      "A form names every wrong field, marks it, and keeps what was written",
      arguments: [
        Case(
          page: "/admin/users", path: "/admin/users",
          fields: [("username", "a\u{200B}b"), ("weight", "x"), ("daily_limit", "y"), ("password", "short")],
          wrong: ["username", "weight", "daily_limit", "password"], kept: ["x", "y"]),
        Case(
          page: "/account", path: "/account/tokens", fields: [("name", "cron"), ("expires_at", "tomorrow")],
          wrong: ["expires_at"], kept: ["cron", "tomorrow"]),
        Case(
          page: "/admin/dead-letter", path: "/admin/dead-letter/replay",
          fields: [("limit", "many"), ("reason", "the outage is over")], wrong: ["limit"],
          kept: ["many", "the outage is over"]),
        Case(
          page: "/account", path: "/account/password",
          fields: [("current_password", "secret"), ("new_password", "12345678"), ("repeat_password", "87654321")],
          wrong: ["repeat_password"], kept: []),
      ])
    func forms(_ one: Case) async throws {
      try await GatewayStack.run { stack in
        try await DeadLetterTables.make(in: stack.pool)
        let browser = PanelBrowser(stack.http)
        #expect(try await browser.logIn("root", "secret").status == 303)
        let answer = try await browser.submit(one.path, one.fields, from: try await browser.get(one.page))
        #expect(answer.status == 400, "\(answer.body)")
        Self.expect(answer.body, wrong: one.wrong)
        for text in one.kept { #expect(answer.body.contains("value=\"\(text)\""), "\(text) stays") }
      }
    }

    @Test(
      "A search that cannot be made says all that is wrong with it on its own page",
      arguments: [
        ("/admin/messages", "phone=nobody&from=99&to=soon", ["phone", "from", "to"]),
        ("/history", "from=99&to=2026-11-31x", ["from", "to"]), ("/admin/audit", "from=99&to=x", ["from", "to"]),
        ("/admin/audit", "user=no-such-user", ["user"]),
        ("/admin/dead-letter", "message_id=7&from=99", ["message_id", "from"]),
      ])
    func searches(_ path: String, _ query: String, _ wrong: [String]) async throws {
      try await GatewayStack.run { stack in
        try await DeadLetterTables.make(in: stack.pool)
        let browser = PanelBrowser(stack.http)
        #expect(try await browser.logIn("root", "secret").status == 303)
        let answer = try await browser.get("\(path)?\(query)")
        #expect(answer.status == 400, "\(answer.body)")
        Self.expect(answer.body, wrong: wrong)
        for field in query.split(separator: "&") {
          #expect(answer.body.contains("value=\"\(field.split(separator: "=")[1])\""), "\(field) stays")
        }
      }
    }

    @Test("Of several providers the one that was written for is marked, and keeps it")
    func provider() async throws {
      try await GatewayFixture.run { gateway in
        gateway.providers.apply(ProviderRouteTests.heads)
        let token = "sluice_session_of_an_admin"
        let admin = Principal(userID: .timeOrdered(), username: "root", isAdmin: true, weight: 1)
        gateway.directory.withLockedValue {
          $0.add(
            TokenDirectory.Record(
              digest: TokenDigest(token: token), principal: admin, expiresAt: nil, isUsable: true, kind: .session))
        }
        let browser = PanelBrowser(gateway.http)
        browser.keep(cookie: "sluice_session", token)
        let fields = [("rate", "fast"), ("window_s", "1"), ("weight", "-4"), ("was_rate", "50"), ("was_weight", "1")]
        let page = try await browser.get("/admin/providers")
        let answer = try await browser.submit("/admin/providers/provider1", fields, from: page)
        #expect(answer.status == 400, "\(answer.body)")
        Self.expect(answer.body, wrong: ["rate", "weight"])
        #expect(answer.body.ranges(of: "aria-invalid=\"true\"").count == 2, "at provider1 alone")
        #expect(answer.body.ranges(of: "value=\"fast\"").count == 1 && answer.body.contains("value=\"-4\""))
        #expect(answer.body.contains("name=\"was_rate\" value=\"50\""))
      }
    }

    /// Each of these fields and no other is marked, and refers to the one line that says why.
    private static func expect(_ body: String, wrong: [String]) {
      let marked = body.matches(of: /<[^>]*?name="([a-z_]+)"[^>]*aria-invalid="true"[^>]*>/)
      #expect(Set(marked.map { String($0.1) }) == Set(wrong), "\(body)")
      for tag in marked { #expect(tag.0.contains("aria-describedby=\"problem-\(tag.1)"), "\(tag.0)") }
      for name in wrong { #expect(body.ranges(of: "id=\"problem-\(name)\"").count == 1, "\(name)") }
    }

    @Test("The audit's page tells old and new values, users by name, and times as people read them")
    func audit() async throws {
      try await GatewayStack.run { stack in
        let made = try await stack.admin("POST", "/api/admin/users", #"{"username": "petra", "daily_limit": 50}"#)
        let id = try #require(made.string("data.id"))
        let change = #"{"daily_limit": null, "weight": 2, "is_active": false}"#
        #expect(try await stack.admin("PATCH", "/api/admin/users/\(id)", change).status == 200)
        let token = #"{"name": "cron", "expires_at": "2030-01-02T03:04:05Z"}"#
        #expect(try await stack.admin("POST", "/api/admin/users/\(id)/tokens", token).status == 201)
        let entry = try await stack.admin("GET", "/api/admin/audit?action=user.update")
        #expect(entry.number("data.entries.0.details.was.daily_limit") == 50)
        #expect(entry.number("data.entries.0.details.was.weight") == 1)
        #expect(entry["data.entries.0.details.was.username"] == nil, "what is not changed is not told")
        let browser = PanelBrowser(stack.http)
        #expect(try await browser.logIn("root", "secret").status == 303)
        let page = try await browser.get("/admin/audit").body
        #expect(page.contains("Weight: 1 → 2") && page.contains("SMS a day: 50 → –"), "\(page)")
        #expect(page.contains("May log in and send: yes → no"))
        #expect(page.contains("Expires: 2030-01-02 11:04:05") && !page.contains("Token&#39;s id"))
        #expect(page.contains("<a href=\"/admin/users/\(id)\">petra</a>"))
      }
    }
  }
}
