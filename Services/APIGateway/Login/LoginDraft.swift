/// What a login says.
struct LoginDraft: Sendable {
  var username: String
  var password: String

  /// - Throws: `APIError` that names every field concerned.
  static func decode(_ bytes: [UInt8]) throws -> LoginDraft {
    var reader = try MemberReader(bytes, allowing: ["username", "password"])
    reader.require("username")
    reader.require("password")
    let username = reader.given("username") { Self.text(&$0, "username", $1) }
    let password = reader.given("password") { Self.text(&$0, "password", $1) }
    try reader.check()
    return LoginDraft(username: username.value ?? "", password: password.value ?? "")
  }

  private static func text(_ reader: inout MemberReader, _ name: String, _ value: JSONValue) -> String? {
    guard let text = reader.string(name, value) else { return nil }
    if (1...4_096).contains(text.utf8.count), !text.utf8.contains(0) { return text }
    reader.note(name, "wrong_length", "Must have 1 to 4096 bytes, none of them U+0000")
    return nil
  }
}
