/// Why something could not be done, for people.
struct PanelProblem: Sendable {
  /// One thing that is wrong, and where.
  struct Detail: Sendable {
    /// The field's own name on the page, where it has one.
    var field: String?
    /// The field's name in the form.
    var name: String?
    var message: String
    /// The id of this line, which its field refers to; `nil` for a second one of the same field.
    var id: String?
  }

  var message: String
  var details: [Detail]
  var hasDetails: Bool
  /// The fields that are wrong, by their names in the form.
  var wrong: [String: Bool] = [:]

  init(message: String) {
    self.message = message
    details = []
    hasDetails = false
  }

  /// The API's own words are English; what the catalogue knows by its code is said in the reader's language.
  /// - Parameter login: Whether it is the login that was refused.
  init(_ error: APIError, _ text: PanelText, login: Bool = false) {
    let name = "problem_\(error.code.rawValue)"
    message = (login ? text.known("\(name)_login") : nil) ?? text.known(name) ?? error.message
    if error.code == .forbidden || error.code == .conflict {
      // Why it was refused is all that there is to say.
      if error.details.count == 1, let reason = text.known("reason_\(error.details[0].code)") {
        (message, details, hasDetails) = (reason, [], false)
        return
      }
      // What the API says of a refusal is more than that it was one.
      if error.details.isEmpty { message = error.message }
    }
    if error.code == .rateLimited, let why = error.details.first, text.known("wrong_\(why.code)") != nil {
      // It is all that there is to say.
      (message, details, hasDetails) = (Self.words(why, text), [], false)
      return
    }
    var seen: Set<String> = []
    details = error.details.map { detail in
      let name = detail.field.prefix { $0 != "[" }
      return Detail(
        field: text.known("field_\(name)").map { $0 + detail.field.dropFirst(name.count) } ?? detail.field,
        name: String(name),
        message: Self.words(detail, text), id: seen.insert(String(name)).inserted ? "problem-\(name)" : nil)
    }
    hasDetails = !details.isEmpty
    wrong = Dictionary(details.compactMap { $0.name.map { ($0, true) } }) { first, _ in first }
  }

  private static func words(_ detail: APIError.Detail, _ text: PanelText) -> String {
    guard let use = detail.use else { return text.known("wrong_\(detail.code)") ?? detail.message }
    return text(
      "daily_limit_left",
      [
        "left": PanelText.grouped(max(0, use.limit - use.used)), "limit": PanelText.grouped(use.limit),
        "needed": PanelText.grouped(use.needed),
      ])
  }
}
