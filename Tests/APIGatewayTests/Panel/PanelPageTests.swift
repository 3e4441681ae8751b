import Foundation
import Testing

@testable import APIGateway

/// The panel's pages, over a real database.
extension GatewayIntegrationTests {
  @Suite("The panel's pages", .serialized)
  struct PanelPages {
    private func visitor(_ stack: GatewayStack, _ name: String) async throws -> PanelBrowser {
      _ = try await stack.makeUser(name, #", "password": "the password""#)
      let browser = PanelBrowser(stack.http)
      guard try await browser.logIn(name, "the password").status == 303 else {
        throw RawHTTP.Failure(what: "not logged in")
      }
      return browser
    }

    @Test("Every page answers whoever may see it, without a script in it, and no admin's page anybody else")
    func everyPage() async throws {
      try await GatewayStack.run { stack in
        let browser = PanelBrowser(stack.http)
        #expect(try await browser.logIn("root", "secret").status == 303)
        let other = try await visitor(stack, "ann's")
        for (path, isAdmins) in [
          ("/", false), ("/compose", false), ("/history", false), ("/account", false), ("/logout", false),
          ("/admin/messages", true), ("/admin/users", true), ("/admin/audit", true),
        ] {
          for language in ["en", "zh-HK"] {
            browser.language = language
            let page = try await browser.get(path)
            #expect(page.status == 200, "\(path): \(page.body)")
            #expect(page.body.contains("</html>") && !page.body.contains("style=") && !page.body.contains(" onclick"))
            #expect(page.body.matches(of: /<script/).count == 1, "the one from a file: \(path)")
          }
          let answer = try await other.get(path)
          #expect(answer.status == (isAdmins ? 403 : 200), "\(path)")
          #expect(!isAdmins || !answer.body.contains("/admin/"), "no way there is shown")
        }
        browser.language = "en"
        let eve = try await stack.makeUser("eve")
        #expect(try await browser.get("/admin/users/\(eve)").body.contains("data-ask=\"Cancel everything of eve that"))
        #expect(try await other.send("/admin/sending/stop", []).status == 403)
        let page = try await other.get("/")
        #expect(try await other.submit("/admin/sending/stop", [], from: page).status == 403)
        #expect(try await browser.get("/history/no-such").status == 404)
        #expect(try await browser.get("/history?phone=nobody").status == 400)
      }
    }

    @Test("Bad numbers are named by their lines, and what is checked is not sent")
    func check() async throws {
      try await GatewayStack.run { stack in
        let browser = try await visitor(stack, "bob")
        let page = try await browser.get("/compose")
        let fields = [
          ("recipients", "91234567\n\n12\n+852 9123 4568"), ("content", "Hi <b>你</b>"), ("enquiry_number", ""),
        ]
        let checked = try await browser.submit("/compose", fields + [("action", "check")], from: page)
        #expect(checked.status == 200 && checked.body.contains("Line 3: <code>12</code>"))
        #expect(checked.body.contains("<mark>你</mark>") && checked.body.contains("&lt;b&gt;"))
        let refused = try await browser.submit("/compose", fields + [("action", "send")], from: page)
        #expect(refused.status == 400 && refused.body.contains("Some numbers are not valid."))
        let enquiry = try await browser.submit(
          "/compose", [("recipients", "91234567"), ("content", "Hi"), ("enquiry_number", "1234"), ("action", "send")],
          from: page)
        #expect(enquiry.status == 400 && enquiry.body.contains("must have 8 digits"))
      }
    }

    @Test("A table that Excel saved in Big5 or as Unicode text is read, and the page says as what")
    func encodings() async throws {
      try await GatewayStack.run { stack in
        let browser = try await visitor(stack, "ivy")
        let page = try await browser.get("/compose")
        // 電話,姓名 / 91234567,陳大文 in Big5.
        let big5: [UInt8] =
          [0xB9, 0x71, 0xB8, 0xDC, 0x2C, 0xA9, 0x6D, 0xA6, 0x57, 0x0D, 0x0A] + Array("91234567,".utf8)
          + [0xB3, 0xAF, 0xA4, 0x6A, 0xA4, 0xE5, 0x0D, 0x0A]
        let unicode = "\u{FEFF}電話\t姓名\r\n91234567\t陳大文\r\n".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        let text = [("content", "{{姓名}}你好"), ("action", "check")]
        for (bytes, name) in [(big5, "Big5"), (unicode, "UTF-16")] {
          let read = try await browser.upload("/compose", text, file: ("file", bytes), from: page)
          #expect(read.status == 200 && read.body.contains("陳大文你好"), "\(read.body)")
          #expect(read.body.contains("The file was read as \(name)."))
          let later = try await browser.submit(
            "/compose", text + [("recipients", "91234567,陳大文"), ("encoding", name)], from: page)
          #expect(later.body.contains("The file was read as \(name)."), "as long as the form is filled in")
        }
        let send = [("content", "Hi"), ("action", "send"), ("confirmed", "1"), ("key", "a-key-of-big5")]
        let asked = try await browser.upload("/compose", send, file: ("file", big5), from: page)
        #expect(asked.status == 200 && asked.body.contains("Yes, send now"), "a look at it first: \(asked.body)")
        #expect(asked.body.contains("The file was read as Big5.") && asked.body.contains("91234567,陳大文"))
        let sent = try await browser.submit(
          "/compose", send + [("recipients", "91234567,陳大文"), ("encoding", "Big5")], from: asked)
        #expect(sent.status == 303, "\(sent.body)")
        let picture = try await browser.upload("/compose", text, file: ("file", [0x89, 0x50, 0xFF, 0x00]), from: page)
        #expect(picture.body.contains("is no text in UTF-8, UTF-16 or Big5"), "\(picture.status) \(picture.body)")
        let unsent = try await browser.upload("/compose", send, file: ("file", [0x89, 0x50, 0xFF, 0x00]), from: page)
        #expect(unsent.status == 400 && unsent.body.contains("is no text in UTF-8, UTF-16 or Big5"), "\(unsent.body)")
        let odd = try await browser.submit("/compose", text + [("encoding", "<b>")], from: page)
        #expect(odd.status == 200 && !odd.body.contains("was read as"))
      }
    }

    @Test("Bad numbers and rows with a blank can be left out, and a number with two texts gets both")
    func leftOut() async throws {
      try await GatewayStack.run { stack in
        let browser = try await visitor(stack, "fay")
        let page = try await browser.get("/compose")
        let fields = [("recipients", "91234567\n12"), ("content", "Hi"), ("skip_invalid", "1")]
        let checked = try await browser.submit("/compose", fields + [("action", "check")], from: page)
        #expect(checked.body.contains("form=\"compose\" checked"), "the choice stays to be seen")
        #expect(try await browser.submit("/compose", fields + [("action", "send")], from: page).status == 303)
        let table = "mobile,name\n91234561,Amy\n+852 9123 4561,Bob\n91234562,Cat"
        let twice = [("recipients", table), ("content", "Dear {{name}}")]
        let seen = try await browser.submit("/compose", twice + [("action", "check")], from: page)
        #expect(seen.body.contains("3 SMS."), "texts that differ are no repeats: \(seen.body)")
        let sent = try await browser.submit("/compose", twice + [("action", "send")], from: page)
        #expect(sent.headers["location"]?.contains("done=sent&messages=3&n=3") == true, "\(sent.body)")
        let same = [("recipients", "mobile,name\n91234561,Amy\n9123 4561,Amy"), ("content", "Dear {{name}}")]
        let once = try await browser.submit("/compose", same + [("action", "check")], from: page)
        #expect(once.body.contains("1 SMS.") && once.body.contains("1 repeated number is sent once."), "\(once.body)")
        let empty = [
          ("recipients", "mobile,name\n91234561,\n91234562,Cat"), ("content", "Dear {{name}}"), ("action", "send"),
        ]
        let refused = try await browser.submit("/compose", empty, from: page)
        #expect(refused.status == 400 && refused.body.contains("1 line cannot be sent:"), "\(refused.body)")
        #expect(
          refused.body.contains("Line 2: <code>91234561</code> &#123;&#123;name&#125;&#125; is empty")
            || refused.body.contains("Line 2: <code>91234561</code> {{name}} is empty"), "\(refused.body)")
        let left = try await browser.submit("/compose", empty + [("skip_invalid", "1")], from: page)
        #expect(left.headers["location"]?.contains("done=sent&n=1") == true, "\(left.body)")
      }
    }

    @Test("What somebody has written is there again after a login in another window, and nothing was sent")
    func loggedInAgain() async throws {
      try await GatewayStack.run { stack in
        let browser = try await visitor(stack, "gus")
        let page = try await browser.get("/compose")
        #expect(try await browser.submit("/logout", [], from: try await browser.get("/")).status == 303)
        #expect(try await browser.logIn("gus", "the password").status == 303)
        let stale = try await browser.submit(
          "/compose",
          [("recipients", "91234567"), ("content", "A long text"), ("action", "send"), try page.writer], from: page)
        #expect(stale.status == 403 && stale.body.contains("A long text") && stale.body.contains("Nothing was sent"))
      }
    }

    @Test("While the database is away pages say so in words, and remember what was just done")
    func databaseAway() async throws {
      try await GatewayFixture.run { gateway in
        let token = "sluice_session_of_a_test"
        gateway.directory.withLockedValue {
          $0.add(
            TokenDirectory.Record(
              digest: TokenDigest(token: token), principal: gateway.user, expiresAt: nil, isUsable: true,
              kind: .session))
        }
        for path in ["/", "/history?done=sent&n=5", "/account"] {
          let page = try await gateway.http.request("GET", path, headers: ["Cookie": "sluice_session=\(token)"])
          #expect(page.status == 503 && page.body.contains("Nothing was lost"), "\(path): \(page.body)")
          #expect(page.headers["content-type"] == "text/html; charset=utf-8")
          #expect(page.body.contains("Accepted for 5 recipients.") == path.contains("done"))
        }
      }
    }

    @Test("The same form sent twice sends once; beyond 20 recipients somebody has to say so again")
    func sending() async throws {
      try await GatewayStack.run { stack in
        let browser = try await visitor(stack, "eve")
        let page = try await browser.get("/compose")
        let key = try #require(page.body.firstMatch(of: /name="key" value="([^"]+)"/)).1
        let fields = [
          ("recipients", "91234567"), ("content", "Hi"), ("enquiry_number", "28321234"), ("key", String(key)),
        ]
        let sent = try await browser.submit("/compose", fields + [("action", "send")], from: page)
        #expect(sent.status == 303, "\(sent.body)")
        // A program that fills in the form presses no button.
        let pressed = try await browser.submit("/compose", fields, from: page)
        #expect(pressed.headers["location"] == sent.headers["location"])
        let again = try await browser.submit("/compose", fields + [("action", "send")], from: page)
        #expect(again.headers["location"] == sent.headers["location"], "the same message")
        // Nothing is read here: no projector runs.
        let shown = try await browser.get(try #require(sent.headers["location"]))
        #expect(shown.status == 200 && shown.headers["refresh"] == "2", "\(shown.body)")
        #expect(shown.body.contains("Accepted for 1 recipient."))
        let path = try #require(sent.headers["location"]?.split(separator: "?").first.map(String.init))
        #expect(try await browser.get(path).status == 503, "by itself that is no answer")
        let many = (0..<21).map { "9123\(1000 + $0)" }.joined(separator: "\n")
        let bulk = [("recipients", many), ("content", "Hi"), ("action", "send")]
        let asked = try await browser.submit("/compose", bulk, from: page)
        #expect(asked.status == 200 && asked.body.contains("This goes to 21 recipients."))
        let wrong = try await browser.submit("/compose", bulk + [("confirmed", "20")], from: page)
        #expect(wrong.status == 200, "that was about another number")
        #expect(try await browser.submit("/compose", bulk + [("confirmed", "21")], from: page).status == 303)
      }
    }

    @Test("People change their own password and tokens, by a login alone")
    func account() async throws {
      try await GatewayStack.run { stack in
        let browser = try await visitor(stack, "cat")
        let page = try await browser.get("/account")
        let made = try await browser.submit("/account/tokens", [("name", "shop")], from: page)
        let token = try #require(made.body.firstMatch(of: /<code>(sluice_[A-Za-z0-9_-]+)<\/code>/)).1
        #expect(try await stack.get("/api/auth/me", token: String(token)).status == 200)
        for (method, path) in [("GET", "/api/auth/tokens"), ("POST", "/api/auth/tokens")] {
          let answer = try await stack.ask(method, path, token: String(token))
          #expect(answer.status == 403, "a named token makes no others")
        }
        let revoke = try #require(made.body.firstMatch(of: /action="(\/account\/tokens\/[^"]+\/revoke)"/)).1
        #expect(try await browser.submit(String(revoke), [], from: made).status == 303)
        #expect(try await stack.get("/api/auth/me", token: String(token)).status == 401)

        func change(_ current: String, _ new: String, _ again: String) async throws -> RawHTTP.Answer {
          try await browser.submit(
            "/account/password", [("current_password", current), ("new_password", new), ("repeat_password", again)],
            from: page)
        }
        #expect(try await change("wrong", "another one", "another one").status == 400)
        #expect(try await change("the password", "another one", "another two").status == 400)
        #expect(try await change("the password", "short", "short").status == 400)
        let changed = try await change("the password", "another one", "another one")
        #expect(changed.headers["location"] == "/login?done=password")
        #expect(try await browser.get("/").status == 303, "logged out everywhere")
        #expect(try await browser.logIn("cat", "the password").status == 401)
        #expect(try await browser.logIn("cat", "another one").status == 303)
        let actions = try await stack.admin("GET", "/api/admin/audit?limit=50").list("data.entries")?.compactMap {
          $0["action"]?.text
        }
        #expect(Set(actions ?? []).isSuperset(of: ["auth.password", "auth.token_create", "auth.token_revoke"]))
      }
    }

    /// What a user's page showed when it was made.
    private func was(_ page: RawHTTP.Answer) -> [(String, String)] {
      page.body.matches(of: /name="(was_[a-z_]+)" value="([^"]*)"/).map { (String($0.1), String($0.2)) }
    }

    /// The fields of a page that nobody has touched.
    private static func fields(of page: RawHTTP.Answer) -> [(String, String)] {
      page.body.matches(of: /name="was_([a-z_]+)" value="([^"]+)"/).map { (String($0.1), String($0.2)) }
    }

    @Test("A page from before another admin's change undoes nothing of it")
    func twoAdmins() async throws {
      try await GatewayStack.run { stack in
        let (first, second) = (PanelBrowser(stack.http), PanelBrowser(stack.http))
        #expect(try await first.logIn("root", "secret").status == 303)
        #expect(try await second.logIn("root", "secret").status == 303)
        let id = try await stack.makeUser("lee", #", "weight": 2, "daily_limit": 100, "providers": ["provider1"]"#)
        let path = "/admin/users/\(id)"
        let (seen, seenBySecond) = (try await first.get(path), try await second.get(path))
        let touched = ["is_active", "daily_limit", "providers"]
        let braked =
          was(seen) + Self.fields(of: seen).filter { !touched.contains($0.0) }
          + [("daily_limit", "5"), ("max_class", "bulk"), ("has_providers", "1")]
        #expect(try await first.submit(path, braked, from: seen).headers["location"]?.contains("user_changed") == true)
        // The second wrote another weight into the page that shows all as it was, and makes a mistake first.
        let untouched = Self.fields(of: seenBySecond).filter { $0.0 != "weight" } + [("has_providers", "1")]
        let wrong = try await second.submit(
          path, was(seenBySecond) + untouched + [("weight", "much")], from: seenBySecond)
        #expect(wrong.status == 400)
        #expect(was(wrong).map(\.1) == was(seenBySecond).map(\.1), "what was shown at first")
        let late = try await second.submit(path, was(wrong) + untouched + [("weight", "3")], from: wrong)
        #expect(late.headers["location"]?.contains("user_changed") == true, "\(late.body)")
        let now = try await stack.admin("GET", "/api/admin/users/\(id)")
        #expect(now.number("data.weight") == 3 && now.number("data.daily_limit") == 5, "\(now.body)")
        #expect(now.bool("data.is_active") == false && now.string("data.max_class") == "bulk")
        #expect(now["data.providers"] == .null)
      }
    }

    @Test("An admin makes, changes and deletes users, and wrong fields are named")
    func users() async throws {
      try await GatewayStack.run { stack in
        let browser = PanelBrowser(stack.http)
        #expect(try await browser.logIn("root", "secret").status == 303)
        let page = try await browser.get("/admin/users")
        let wrong = try await browser.submit(
          "/admin/users", [("username", "dan"), ("weight", "much"), ("is_active", "1")], from: page)
        #expect(wrong.status == 400 && wrong.body.contains("Weight") && wrong.body.contains("value=\"dan\""))
        let made = try await browser.submit(
          "/admin/users", [("username", "dan"), ("weight", "2"), ("daily_limit", "100"), ("is_active", "1")], from: page
        )
        #expect(made.status == 303)
        let path = try #require(made.headers["location"]?.split(separator: "?").first.map(String.init))
        let user = try await browser.get(path)
        #expect(user.body.contains("value=\"100\"") && user.body.contains("dan"))
        let changed = try await browser.submit(
          path, was(user) + [("username", "dan"), ("weight", "3")], from: user)
        #expect(changed.headers["location"] == "\(path)?done=user_changed")
        let id = String(path.split(separator: "/").last ?? "")
        let now = try await stack.admin("GET", "/api/admin/users/\(id)")
        #expect(now.bool("data.is_active") == false && now.number("data.weight") == 3)
        #expect(now["data.daily_limit"] == .null)
        let same = try await browser.submit(path, was(user) + Self.fields(of: user), from: user)
        #expect(same.headers["location"] == path, "nothing was changed, and nothing is said to be")
        #expect(try await browser.submit("\(path)/delete", [], from: user).status == 303)
        #expect(try await browser.get(path).status == 404)
      }
    }
  }
}
