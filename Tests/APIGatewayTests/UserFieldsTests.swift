import Contracts
import Testing

@testable import APIGateway

@Suite("What a body says of a user")
struct UserFieldsTests {
  private func change(_ body: String) throws -> UserFields {
    try UserFields.change(Array(body.utf8)) { ["provider1", "provider2"].contains($0) }
  }

  private func problems(_ body: String, isNew: Bool = false) -> [String] {
    do {
      _ =
        isNew ? try UserFields.new(Array(body.utf8)) { _ in true } : try change(body)
      return []
    } catch {
      guard let error = error as? APIError else { return ["\(error)"] }
      return [error.code.rawValue] + error.details.map { "\($0.field) \($0.code)" }
    }
  }

  @Test("What is absent stays, null lifts a limit, a value sets it")
  func kinds() throws {
    let fields = try change(
      #"{"max_class": null, "daily_limit": 5, "providers": ["provider2", "provider1"], "is_admin": false}"#)
    #expect(fields.maxClass == .value(nil))
    #expect(fields.dailyLimit == .value(5))
    #expect(fields.providers == .value(["provider1", "provider2"]))
    #expect(fields.apiRate == .absent)
    #expect(fields.weight == .absent)
    #expect(fields.endsAdmin)
    #expect(try !change(#"{"is_admin": true}"#).endsAdmin)
    #expect(try change(#"{"is_active": false}"#).endsAdmin)
  }

  @Test("A null where something is needed is missing, and that is said once")
  func null() throws {
    #expect(problems(#"{"username": null}"#, isNew: true) == ["MISSING_FIELDS", "username missing"])
    #expect(problems(#"{"is_admin": null}"#) == ["INVALID_FIELD", "is_admin wrong_type"])
    let error = #expect(throws: APIError.self) { try TokenDraft.decode(Array(#"{"name": null}"#.utf8), now: .now()) }
    #expect(error?.details.map(\.code) == ["missing"])
    let login = #expect(throws: APIError.self) {
      try LoginDraft.decode(Array(#"{"username": null, "password": null}"#.utf8))
    }
    #expect(login?.details.map(\.field) == ["username", "password"])
  }

  @Test(
    "Everything that is wrong is named by its field",
    arguments: [
      (#"{}"#, ["MISSING_FIELDS", " missing"]),
      (#"[]"#, ["INVALID_JSON"]),
      (#"{"weight": 0}"#, ["INVALID_FIELD", "weight out_of_range"]),
      (#"{"weight": null}"#, ["INVALID_FIELD", "weight wrong_type"]),
      (#"{"colour": 1, "api_rate": 0}"#, ["INVALID_FIELD", "colour unknown_field", "api_rate out_of_range"]),
      (#"{"daily_limit": 1.5}"#, ["INVALID_FIELD", "daily_limit out_of_range"]),
      (#"{"daily_limit": 4294967296}"#, ["INVALID_FIELD", "daily_limit out_of_range"]),
      (#"{"daily_limit": "5"}"#, ["INVALID_FIELD", "daily_limit wrong_type"]),
      (#"{"is_admin": 1}"#, ["INVALID_FIELD", "is_admin wrong_type"]),
      (#"{"is_admin": null}"#, ["INVALID_FIELD", "is_admin wrong_type"]),
      (#"{"max_class": "first"}"#, ["INVALID_FIELD", "max_class not_allowed"]),
      (#"{"providers": []}"#, ["INVALID_FIELD", "providers wrong_length"]),
      (
        #"{"providers": ["nobody", 1]}"#, ["INVALID_FIELD", "providers[0] unknown_provider", "providers[1] wrong_type"]
      ),
      (#"{"password": "short"}"#, ["INVALID_FIELD", "password wrong_length"]),
      (#"{"username": " ann"}"#, ["INVALID_FIELD", "username invalid_character"]),
      (#"{"username": "a\u0000b"}"#, ["INVALID_FIELD", "username invalid_character"]),
      (#"{"username": ""}"#, ["INVALID_FIELD", "username wrong_length"]),
      (#"{"weight": 1, "weight": 2}"#, ["INVALID_FIELD", "weight duplicate"]),
    ])
  func wrong(_ body: String, _ expected: [String]) { #expect(problems(body) == expected) }

  @Test("A new user needs a name, and nothing else")
  func new() {
    #expect(problems(#"{"password": "12345678"}"#, isNew: true) == ["MISSING_FIELDS", "username missing"])
    #expect(problems(#"{"username": null}"#, isNew: true).first == "MISSING_FIELDS")
    #expect(problems(#"{"username": "ann"}"#, isNew: true) == [])
  }

  @Test("A password has 8 to 256 characters, whatever they are")
  func passwordLength() {
    #expect(problems(#"{"password": "密碼密碼密碼密"}"#).count == 2)
    #expect(problems(#"{"password": "密碼密碼密碼密碼"}"#) == [])
    #expect(problems(#"{"password": "\#(String(repeating: "x", count: 256))"}"#) == [])
    #expect(problems(#"{"password": "\#(String(repeating: "x", count: 257))"}"#).count == 2)
    #expect(problems(#"{"password": null}"#) == [])
  }

  @Test("Tokens and logins that a fact names end at once, and others go on")
  func ended() throws {
    let ann = Principal(userID: .timeOrdered(), username: "ann", isAdmin: false, weight: 1)
    var directory = TokenDirectory()
    func record(_ token: String, _ kind: TokenDirectory.Kind) -> TokenDirectory.Record {
      TokenDirectory.Record(
        digest: TokenDigest(token: token), principal: ann, expiresAt: nil, isUsable: true, kind: kind)
    }
    directory.replaceAll([record("a", .named), record("b", .named), record("c", .session)])
    let change = UserChanged(
      userID: ann.userID, isActive: true, weight: 1, endsSessions: true,
      endedTokens: [TokenDigest(token: "a").text, "x"])
    let received = try Wire.decode(UserChanged.self, from: Wire.encode(Envelope(change))).body
    directory.apply(received)
    let works = ["a", "b", "c"].map { directory.principal(for: TokenDigest(token: $0), at: .now()) != nil }
    #expect(works == [false, true, false])
  }

  @Test("Nobody takes themselves away, nor the last admin, nor anybody when they are no admin any more")
  func adminRule() throws {
    let (ann, bob, eve) = (UserID.timeOrdered(), UserID.timeOrdered(), UserID.timeOrdered())
    func code(removing subject: UserID, by actor: UserID, admins: Set<UserID>) -> String? {
      do {
        try AdminRule.check(removing: subject, by: actor, admins: admins, field: "id")
        return nil
      } catch {
        return (error as? APIError).map { $0.details.first?.code ?? $0.code.rawValue }
      }
    }
    #expect(code(removing: bob, by: ann, admins: [ann, bob]) == nil)
    #expect(code(removing: eve, by: ann, admins: [ann]) == nil)
    #expect(code(removing: ann, by: ann, admins: [ann, bob]) == "self")
    #expect(code(removing: ann, by: bob, admins: [ann]) == "FORBIDDEN")
    #expect(code(removing: ann, by: bob, admins: []) == "FORBIDDEN")
  }

  @Test("A list goes on behind any name, and behind nothing that is none")
  func cursor() {
    for name in ["ann", "Änne 你好", "a/b?c&d=e"] { #expect(NameCursor.name(NameCursor.text(name)) == name) }
    for text in ["x", "zz", "+1", "00", "ff", "c3"] { #expect(NameCursor.name(text) == nil) }
  }
}
