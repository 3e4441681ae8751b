import Contracts
import Foundation
import Testing

@testable import APIGateway

/// What somebody wrote while their login ended, over a real database.
extension GatewayIntegrationTests {
  @Suite("A form that is sent after the login is over", .serialized)
  struct LostForms {
    private static let password = "the password"
    private static let text = "Dear \"{{name}}\",\n\n<b>the pool</b> & the bar 已關閉。"
    private static let table = "mobile,name\n91234561,Amy\n91234562,\"Bo, <i>\""
    private static let tomorrow = String(
      PanelClock(calendar: LocalCalendar(zone: .gmt)).time(.now() + .seconds(86_400)).text.prefix(16).replacing(
        " ", with: "T"))
    private static let written = [
      ("recipients", table), ("content", text), ("enquiry_number", "28321234"), ("class", "bulk"),
      ("send_at", tomorrow), ("reference", "R & D"), ("column", "mobile"), ("skip_invalid", "1"),
      ("key", "a-key-of-a-test"), ("action", "send"),
    ]

    private func visitor(_ stack: GatewayStack, _ name: String) async throws -> PanelBrowser {
      _ = try await stack.makeUser(name, #", "password": "\#(Self.password)""#)
      let browser = PanelBrowser(stack.http)
      #expect(try await browser.logIn(name, Self.password).status == 303)
      return browser
    }

    /// The fields that a page carries without showing them.
    private func hidden(_ page: RawHTTP.Answer) -> [(String, String)] {
      page.body.matches(of: /<input type="hidden" name="([a-z_]+)" value="([^"]*)">/).map { match in
        let value = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")].reduce(
          String(match.2)
        ) { $0.replacing($1.0, with: $1.1) }
        return (String(match.1), value)
      }.filter { $0.0 != "csrf_token" }
    }

    /// Ends the session at the server alone, as an admin or time does.
    private func endSession(_ browser: PanelBrowser, _ stack: GatewayStack) async throws {
      let token = try #require(browser.cookies["sluice_session"])
      #expect(try await stack.ask("POST", "/api/auth/logout", token: token).status == 200)
    }

    @Test("Whoever logs in then finds all of it on the compose page, and it goes out by their own click, once")
    func kept() async throws {
      try await GatewayStack.run { stack in
        let browser = try await visitor(stack, "hal")
        let page = try await browser.get("/compose")
        try await endSession(browser, stack)
        let asked = try await browser.submit("/compose", Self.written + [try page.writer], from: page)
        #expect(asked.status == 401 && asked.body.contains("nothing is lost"), "\(asked.body)")
        #expect(!asked.body.contains("/language/"), "no way that leads away from it")
        #expect(page.body.contains("/language/"))
        #expect(asked.body.contains("action=\"/compose/login\" enctype=\"multipart/form-data\""))
        #expect(!asked.body.contains("<b>the pool") && !asked.body.contains("<nav"))
        let carried = hidden(asked)
        #expect(carried.contains { $0.0 == "content" && $0.1 == Self.text })
        #expect(carried.contains { $0.0 == "recipients" && $0.1 == Self.table })
        #expect(!carried.contains { ["action", "confirmed", "password", "username"].contains($0.0) })

        let name = ("username", "hal")
        let wrong = try await browser.submit("/compose/login", carried + [name, ("password", "wrong")], from: asked)
        #expect(wrong.status == 401 && wrong.body.contains("not right"))
        #expect(hidden(wrong).map(\.1) == carried.map(\.1), "and still nothing is lost")
        // A login page whose own cookie is gone is as good as a new one.
        let stale = try await browser.send("/compose/login", carried + [name, ("password", Self.password)])
        #expect(stale.status == 401 && hidden(stale).map(\.1) == carried.map(\.1))

        let back = try await browser.submit(
          "/compose/login", carried + [name, ("password", Self.password)], from: wrong)
        #expect(back.status == 200 && back.body.contains("Nothing was sent"), "\(back.body)")
        for shown in [
          "Dear &quot;{{name}}&quot;,\n\n&lt;b&gt;the pool&lt;/b&gt; &amp; the bar 已關閉。",
          "91234562,&quot;Bo, &lt;i&gt;&quot;",
          "value=\"28321234\"", "value=\"\(Self.tomorrow)\"", "value=\"R &amp; D\"", "value=\"a-key-of-a-test\"",
          "value=\"bulk\" selected",
        ] { #expect(back.body.contains(shown), "\(shown)") }
        #expect(try await browser.get("/").status == 200, "logged in")
        let sent = try await browser.submit("/compose", Self.written, from: back)
        #expect(
          sent.status == 303 && sent.headers["location"]?.contains("done=sent&messages=2&n=2") == true, "\(sent.body)")
        #expect(try await stack.submissions(count: 2).count == 2, "nothing went before, and nothing twice")
      }
    }

    @Test("Whoever else logs in there finds nothing of it, also after a logout", arguments: [true, false])
    func somebodyElse(isLogout: Bool) async throws {
      try await GatewayStack.run { stack in
        let browser = try await visitor(stack, "lea")
        _ = try await stack.makeUser("max", #", "password": "\#(Self.password)""#)
        let page = try await browser.get("/compose")
        let written = Self.written + [try page.writer]
        if isLogout {
          #expect(try await browser.submit("/logout", [], from: page).status == 303)
        } else {
          try await endSession(browser, stack)
        }
        let asked = try await browser.submit("/compose", written, from: page)
        #expect(asked.status == 401)
        func expectNothing(_ answer: RawHTTP.Answer, status: Int) {
          #expect(answer.status == status && answer.body.contains("Nothing was sent or saved."), "\(answer.body)")
          for part in ["the pool", "91234561", "28321234", "R &amp; D", "a-key-of-a-test", Self.tomorrow] {
            #expect(!answer.body.contains(part), "\(part)")
          }
        }
        let max = [("username", "max"), ("password", Self.password)]
        expectNothing(try await browser.submit("/compose/login", hidden(asked) + max, from: asked), status: 200)
        // Of a page that does not say whose it is, and of one that is another's, in another window.
        let nobodys = hidden(asked).filter { $0.0 != "writer" }
        expectNothing(try await browser.submit("/compose/login", nobodys + max, from: asked), status: 403)
        expectNothing(try await browser.submit("/compose", written, from: page), status: 403)
        #expect(try await stack.submissions(count: 0).isEmpty)
      }
    }

    @Test("A file that was chosen is kept as the recipients that it holds")
    func file() async throws {
      try await GatewayStack.run { stack in
        let browser = try await visitor(stack, "ida")
        let page = try await browser.get("/compose")
        try await endSession(browser, stack)
        let asked = try await browser.upload(
          "/compose", [("recipients", ""), ("content", "Hi")], file: ("file", Array("91234561\r\n91234562".utf8)),
          from: page)
        #expect(asked.status == 401)
        #expect(hidden(asked).first { $0.0 == "recipients" }?.1 == "91234561\n91234562")
        #expect(!hidden(asked).contains { $0.0 == "file" })
      }
    }

    @Test("Only a page of ours has its text kept, and only up to the limit of every body")
    func strangers() async throws {
      try await GatewayStack.run { stack in
        let browser = PanelBrowser(stack.http)
        for site in ["cross-site", "same-site", "none", ""] {
          browser.site = site
          let answer = try await browser.send("/compose", [("content", "Bait")])
          #expect(answer.status == 303 && answer.headers["location"] == "/login", "\(site)")
          let login = try await browser.send("/compose/login", [("content", "Bait")])
          #expect(login.status == 403 && !login.body.contains("Bait"), "\(site)")
        }
        browser.site = "same-origin"
        let other = try await browser.send("/admin/sending/stop", [("reason", "typed")])
        #expect(other.status == 303 && !other.body.contains("typed"), "only what people write at length")
        let long = try await stack.http.request(
          "POST", "/compose",
          headers: [
            "Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": "3000000",
          ])
        #expect(long.status == 413, "\(long.status)")
      }
    }

    @Test("Whoever has logged in meanwhile in another window gets the page and not another login")
    func elsewhere() async throws {
      try await GatewayStack.run { stack in
        let browser = try await visitor(stack, "kim")
        let page = try await browser.get("/compose")
        try await endSession(browser, stack)
        let asked = try await browser.submit(
          "/compose", [("content", "Kept"), ("recipients", "91234567"), try page.writer], from: page)
        #expect(asked.status == 401)
        #expect(try await browser.logIn("kim", Self.password).status == 303)
        let back = try await browser.submit(
          "/compose/login", hidden(asked) + [("username", "kim"), ("password", "x")], from: asked)
        #expect(back.status == 403 && back.body.contains("Kept") && back.body.contains("<nav"))
      }
    }
  }
}

@Suite("A login that ends while a form is on its way")
struct LostFormOnItsWayTests {
  @Test("It loses nothing either: the answer is the login's page and not the way to it")
  func heldBack() async throws {
    try await GatewayFixture.run { gateway in
      let token = "sluice_session_of_a_test"
      gateway.directory.withLockedValue {
        $0.add(
          TokenDirectory.Record(
            digest: TokenDigest(token: token), principal: gateway.user, expiresAt: nil, isUsable: true, kind: .session))
      }
      let body = "csrf_token=\(FormToken(secret: token).text)&recipients=91234567&content=Held+back"
      let head =
        "POST /compose HTTP/1.1\r\nHost: x\r\nConnection: close\r\nSec-Fetch-Site: same-origin\r\n"
        + "Cookie: sluice_session=\(token)\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\r\n"
      let status = try await gateway.http.interrupted(head + body.dropLast(), String(body.suffix(1))) {
        gateway.directory.withLockedValue { $0.remove(TokenDigest(token: token)) }
      }
      #expect(status == 401)
    }
  }
}
