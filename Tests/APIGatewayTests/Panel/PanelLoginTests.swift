import Foundation
import Testing

@testable import APIGateway

/// The panel's door, over a real database.
extension GatewayIntegrationTests {
  @Suite("The panel's login", .serialized)
  struct PanelLogins {
    @Test("Whoever is not logged in comes to the login, then to the page they wanted, and out again")
    func wayIn() async throws {
      try await GatewayStack.run { stack in
        let browser = PanelBrowser(stack.http)
        let first = try await browser.get("/?a=1")
        #expect(first.status == 303 && first.headers["location"] == "/login?next=%2F%3Fa%3D1")
        let form = try await browser.get("/login?next=%2F%3Fa%3D1")
        #expect(form.status == 200 && form.headers["content-type"] == "text/html; charset=utf-8")
        #expect(first.headers["set-cookie"]?.contains("HttpOnly; SameSite=Lax") == true)
        #expect(form.headers["content-security-policy"]?.hasPrefix("default-src 'none'; script-src 'self'") == true)
        #expect(form.headers["cache-control"] == "no-store")

        let wrong = try await browser.submit(
          "/login", [("username", "root"), ("password", "wrong")], from: form)
        #expect(wrong.status == 401 && wrong.body.contains("The user name or the password is not right."))
        #expect(browser.cookies["sluice_session"] == nil)
        let right = try await browser.submit(
          "/login", [("username", "root"), ("password", "secret"), ("next", "/?a=1")], from: form)
        #expect(right.status == 303 && right.headers["location"] == "/?a=1")
        #expect(right.headers["set-cookie"]?.contains("sluice_session=") == true)
        #expect(right.headers["set-cookie"]?.contains("; Secure") == false)
        let page = try await browser.get("/")
        #expect(page.status == 200 && page.body.contains("root") && page.body.contains("Log out"))
        #expect(try await browser.get("/login").headers["location"] == "/")

        let session = try #require(browser.cookies["sluice_session"])
        #expect(try await browser.submit("/logout", [], from: page).headers["location"] == "/login?done=logout")
        #expect(browser.cookies["sluice_session"] == nil)
        #expect(try await stack.get("/api/auth/me", token: session).status == 401)
        #expect(try await browser.get("/").status == 303)
      }
    }

    @Test("A form without the token of its session, or with another's, does nothing")
    func forgery() async throws {
      try await GatewayStack.run { stack in
        let (browser, other) = (PanelBrowser(stack.http), PanelBrowser(stack.http))
        let visitor = try await browser.send("/login", [("username", "root"), ("password", "secret")])
        #expect(visitor.status == 403 && browser.cookies["sluice_session"] == nil)
        #expect(try await browser.logIn("root", "secret").status == 303)
        #expect(try await other.logIn("root", "secret").status == 303)
        #expect(try await browser.send("/logout", []).status == 403)
        let foreign = try await browser.submit("/logout", [], from: try await other.get("/"))
        #expect(foreign.status == 403 && foreign.body.contains("This form is too old"))
        #expect(try await browser.get("/").status == 200, "still logged in")
      }
    }

    @Test("The cookie is for pages and for watching: it commands nothing at the API, and a named token is no cookie")
    func cookie() async throws {
      try await GatewayStack.run { stack in
        let browser = PanelBrowser(stack.http)
        #expect(try await browser.logIn("root", "secret").status == 303)
        let session = try #require(browser.cookies["sluice_session"])
        let jar = ["Cookie": "sluice_session=\(session)"]
        #expect(try await stack.http.request("GET", "/api/sms", headers: jar).status == 401)
        #expect(try await stack.http.request("POST", "/api/admin/sending/stop", headers: jar).status == 401)
        let wrong = try await stack.http.request("GET", "/api/events?message_id=x", headers: jar)
        #expect(wrong.status == 400, "let in, and told what is wrong")
        let named = ["Cookie": "sluice_session=\(GatewayStack.adminToken)"]
        #expect(try await stack.http.request("GET", "/", headers: named).status == 303)
        #expect(try await stack.http.request("GET", "/api/events", headers: named).status == 401)
      }
    }

    @Test("A disabled user is thrown out of the panel, and markup in a name is only text")
    func thrownOut() async throws {
      try await GatewayStack.run { stack in
        let name = "<script>alert('x')</script>"
        let id = try await stack.makeUser(name, #", "password": "the password""#)
        let browser = PanelBrowser(stack.http)
        #expect(try await browser.logIn(name, "the password").status == 303)
        let page = try await browser.get("/")
        #expect(page.status == 200 && page.body.contains("&lt;script&gt;alert("))
        #expect(!page.body.contains("<script>alert("))
        #expect(try await stack.admin("PATCH", "/api/admin/users/\(id)", #"{"is_active": false}"#).status == 200)
        #expect(try await browser.get("/").status == 303)
      }
    }

    @Test("The panel speaks the browser's language, or the one that somebody chose")
    func languages() async throws {
      try await GatewayStack.run { stack in
        let browser = PanelBrowser(stack.http)
        browser.language = "zh-HK"
        #expect(try await browser.get("/login").body.contains("<html lang=\"zh-Hant\">"))
        let chosen = try await browser.get("/language/en?next=%2Flogin")
        #expect(chosen.status == 303 && chosen.headers["location"] == "/login")
        #expect(try await browser.get("/login").body.contains("<html lang=\"en\">"))
        #expect(try await browser.get("/language/xx").status == 404)
      }
    }

    @Test("Whoever goes astray in a browser gets a page, and a program the API's answer")
    func astray() async throws {
      try await GatewayStack.run { stack in
        let page = try await stack.http.request("GET", "/no/such", headers: ["Accept": "text/html"])
        #expect(page.status == 404 && page.body.contains("There is no such page"))
        #expect(page.headers["content-security-policy"]?.contains("script-src 'self'") == true)
        let answer = try await stack.http.request("GET", "/no/such")
        #expect(answer.status == 404 && answer.string("error.code") == "NOT_FOUND")
        let api = try await stack.http.request("GET", "/api/no/such", headers: ["Accept": "text/html"])
        #expect(api.string("error.code") == "NOT_FOUND")
      }
    }

    @Test("Styles and scripts are kept by browsers until they change")
    func assets() async throws {
      try await GatewayStack.run { stack in
        for path in ["/panel/panel.css", "/panel/panel.js", "/panel/icon.svg"] {
          let answer = try await stack.http.request("GET", path)
          #expect(answer.status == 200)
          let tag = try #require(answer.headers["etag"])
          let again = try await stack.http.request("GET", path, headers: ["If-None-Match": tag])
          #expect(again.status == 304 && again.body.isEmpty)
        }
      }
    }
  }
}
