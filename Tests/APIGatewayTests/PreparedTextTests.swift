import Contracts
import Testing

@testable import APIGateway

@Suite("Names and passwords of RFC 8265")
struct PreparedTextTests {
  private static let decomposed = "cafe\u{301}"
  private static let composed = "caf\u{E9}"

  @Test(
    "A name is stored in one spelling",
    arguments: [
      (decomposed, composed), ("ａｎｎ＠ｘ", "ann@x"), ("ｶﾞ", "ガ"), ("Ann", "Ann"), ("陳大文", "陳大文"), ("ann lee", "ann lee"),
      ("אבג1", "אבג1"), ("Åsa", "\u{C5}sa"),
    ])
  func stored(_ typed: String, _ name: String) {
    let found = PreparedUsername.stored(typed)
    #expect(found.map { Array($0.unicodeScalars) } == Array(name.unicodeScalars), "\(String(describing: found))")
  }

  @Test(
    "Names that look like others or like nothing are refused",
    arguments: [
      "", " ann", "ann ", "ann  lee", "ann\u{3000}", "a\u{0}b", "a\nb", "a\u{85}b", "a\u{200B}b", "a\u{202E}b",
      "a\u{2066}b", "a\u{AD}b", "ann☎", "ﬁn", "𝐚nn", "Ⅳ", "aאב", "אבa", "אב-", "\u{E000}", "a\u{A0}b",
    ])
  func refused(_ name: String) { #expect(PreparedUsername.stored(name) == nil) }

  @Test("Spellings of one name are compared as one")
  func compared() {
    for name in ["CAFÉ", "cafe\u{301}", "ｃａｆé"] {
      #expect(PreparedUsername.compared(name).unicodeScalars.elementsEqual(Self.composed.unicodeScalars))
    }
    let spellings = PreparedUsername.spellings(of: Self.composed).map { Array($0.unicodeScalars) }
    #expect(spellings == [Array(Self.composed.unicodeScalars), Array(Self.decomposed.unicodeScalars)])
    #expect(PreparedUsername.spellings(of: "ann") == ["ann"])
  }

  @Test("A password keeps its case, its width and its ends; spaces and letters get one spelling")
  func passwords() {
    #expect(PreparedPassword.mapped(" Ａb\u{3000}\u{A0}c ") == " Ａb  c ")
    let mapped = PreparedPassword.mapped(Self.decomposed)
    #expect(mapped.unicodeScalars.elementsEqual(Self.composed.unicodeScalars))
    #expect(!PreparedPassword.isAllowed("12345678\n") && !PreparedPassword.isAllowed("1234567\u{7F}8"))
    #expect(PreparedPassword.isAllowed("🔑 12345678 密碼"))
    #expect(PreparedPassword.spellings(of: "plain") == ["plain"])
    #expect(PreparedPassword.spellings(of: Self.decomposed).count == 2, "one from before is tried as it was typed")
  }

  @Test(
    "A password to be is measured as it is hashed",
    arguments: [("e\u{301}e\u{301}e\u{301}e\u{301}", "wrong_length"), ("12345678\\n", "invalid_character")])
  func measured(_ password: String, _ code: String) {
    let error = #expect(throws: APIError.self) {
      try UserFields.new(Array(#"{"username": "ann", "password": "\#(password)"}"#.utf8)) { _ in true }
    }
    #expect(error?.details.map(\.code) == [code])
  }
}

/// Logins over a real database.
extension GatewayIntegrationTests {
  @Suite("Logins however they are typed", .serialized)
  struct TypedLogins {
    @Test("A name and a password typed in another normal form let in the same user, who cannot be made twice")
    func normalForms() async throws {
      try await GatewayStack.run { stack in
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        let made = try await stack.admin(
          "POST", "/api/admin/users", #"{"username": "\#(decomposed)", "password": "pass\#(decomposed)\#u{A0}x"}"#)
        #expect(made.status == 201, "\(made.body)")
        #expect(made.string("data.username")?.unicodeScalars.elementsEqual(composed.unicodeScalars) == true)
        for (name, password) in [
          (composed, "pass\(composed) x"), (decomposed, "pass\(decomposed)\u{3000}x"),
          ("ＣＡＦＥ\u{301}", "pass\(composed) x"),
        ] {
          let answer = try await PanelBrowser(stack.http).logIn(name, password)
          #expect(answer.status == 303, "\(name)")
        }
        #expect(try await PanelBrowser(stack.http).logIn(composed, "pass\(composed) x ").status == 401, "not trimmed")
        let again = try await stack.admin("POST", "/api/admin/users", #"{"username": "\#(composed)"}"#)
        #expect(again.status == 409)
      }
    }

    @Test("Names and passwords from before they were prepared keep working, as they were typed then and otherwise")
    func existing() async throws {
      try await GatewayStack.run { stack in
        let old = "cafe\u{301} ☎"
        let hash = try PasswordHash.make(of: "pass\u{A0}word")
        try await stack.pool.query(
          """
          INSERT INTO accounts.users (id, username, password_hash, is_admin, password_changed_at)
          VALUES (\(UserID.timeOrdered().uuid), \(old), \(hash), false, sluice.clock())
          """)
        let name = "caf\u{E9} ☎"
        for name in [old, name] {
          #expect(try await PanelBrowser(stack.http).logIn(name, "pass\u{A0}word").status == 303)
        }
        // The first login has hashed it anew, as it is prepared.
        #expect(try await PanelBrowser(stack.http).logIn(old, "pass word").status == 303)
      }
    }
  }
}
