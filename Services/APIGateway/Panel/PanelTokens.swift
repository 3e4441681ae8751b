/// Somebody's tokens, with the form for another.
struct PanelTokens: Sendable {
  struct Token: Sendable {
    var revokePath: String
    var name: String
    var created: PanelTime?
    var expires: PanelTime?
    var lastUsed: PanelTime?
  }

  var path: String
  var tokens: [Token]
  var hasTokens: Bool
  /// One that was just made: the only time it is shown.
  var new: String?
  /// What was written for one that was refused.
  var name: String
  var expiresAt: String
  var expiresAtType: String

  /// - Parameter path: Where the form goes; a token's own path is below it.
  init(_ json: JSONValue, path: String, new: String?, kept: PanelForm? = nil, _ visit: PanelVisit) {
    name = kept?["name"] ?? ""
    let time = kept?.trimmed("expires_at") ?? ""
    (expiresAt, expiresAtType) = (
      time, time.isEmpty || visit.clock.time(local: time) != nil ? "datetime-local" : "text"
    )
    self.path = path
    self.new = new
    tokens = (json["tokens"]?.elements ?? []).map { token in
      Token(
        revokePath: "\(path)/\(token["id"]?.text ?? "")/revoke", name: token["name"]?.text ?? "",
        created: visit.clock.time(token["created_at"]), expires: visit.clock.time(token["expires_at"]),
        lastUsed: visit.clock.time(token["last_used_at"]))
    }
    hasTokens = !tokens.isEmpty
  }

  /// What the API is asked for.
  /// - Throws: `APIError` that names the field.
  static func body(_ form: PanelForm, _ clock: PanelClock) throws -> [(String, JSONValue?)] {
    var expiry: JSONValue?
    if let text = form.trimmed("expires_at") {
      guard let time = clock.time(local: text) else {
        throw APIError.invalidField("expires_at", "not_a_time", "Must be a day and a time")
      }
      expiry = .string(time.description)
    }
    return [("name", .string(form.trimmed("name") ?? "")), ("expires_at", expiry)]
  }
}
