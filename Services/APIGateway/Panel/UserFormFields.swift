import Contracts

/// The fields of a user, as the form shows them.
struct UserFormFields: Sendable {
  var username = ""
  var isAdmin = false
  var isActive = true
  var weight = "1"
  var dailyLimit = ""
  var apiRate = ""
  var classes: [PanelChoice]
  var providers: [PanelChoice]
  var hasProviders: Bool

  private init(_ visit: PanelVisit, maxClass: String?, providers: Set<String>, names: [String]) {
    classes = PanelChoice.classes(visit.text, chosen: maxClass)
    // A provider that has left the file stays allowed until somebody says otherwise.
    let all = names + providers.subtracting(names).sorted()
    self.providers = PanelChoice.names(all, chosen: providers)
    hasProviders = all.count > 1 || !providers.isEmpty
  }

  /// Of a new user.
  init(_ visit: PanelVisit, names: [String]) { self.init(visit, maxClass: nil, providers: [], names: names) }

  /// Of a user as the API shows them.
  init(_ visit: PanelVisit, user: JSONValue, names: [String]) {
    self.init(
      visit, maxClass: user["max_class"]?.text,
      providers: Set((user["providers"]?.elements ?? []).compactMap(\.text)), names: names)
    username = user["username"]?.text ?? ""
    isAdmin = user["is_admin"]?.bool == true
    isActive = user["is_active"]?.bool == true
    weight = Self.digits(user["weight"]?.number ?? 1)
    dailyLimit = user["daily_limit"]?.whole.map(String.init) ?? ""
    apiRate = user["api_rate"]?.whole.map(String.init) ?? ""
  }

  /// As they were filled in.
  init(_ visit: PanelVisit, form: PanelForm, names: [String]) {
    self.init(visit, maxClass: form["max_class"], providers: Set(form.all("providers")), names: names)
    username = form["username"] ?? ""
    isAdmin = form.isTicked("is_admin")
    isActive = form.isTicked("is_active")
    weight = form["weight"] ?? ""
    dailyLimit = form["daily_limit"] ?? ""
    apiRate = form["api_rate"] ?? ""
  }

  /// What the API is asked for.
  /// - Throws: `APIError` that names the field.
  static func body(_ form: PanelForm, isNew: Bool) throws -> [(String, JSONValue?)] {
    func number(_ name: String) throws -> JSONValue {
      guard let text = form.trimmed(name) else { return .null }
      guard let number = Double(text), number.isFinite else {
        throw APIError.invalidField(name, "wrong_type", "Must be a number")
      }
      return .number(number)
    }
    let providers = form.all("providers")
    var body: [(String, JSONValue?)] = [
      ("username", .string(form.trimmed("username") ?? "")), ("password", form["password"].map { .string($0) }),
      ("is_admin", .bool(form.isTicked("is_admin"))), ("is_active", .bool(form.isTicked("is_active"))),
      ("weight", form.trimmed("weight") == nil ? nil : try number("weight")),
      ("max_class", form["max_class"].map { .string($0) } ?? .null), ("daily_limit", try number("daily_limit")),
      ("api_rate", try number("api_rate")),
    ]
    // None ticked: whatever there is.
    if form.isTicked("has_providers") {
      body.append(("providers", providers.isEmpty ? .null : .array(providers.map { .string($0) })))
    }
    return isNew ? body.filter { $0.1 != .null } : body
  }

  /// With no more digits than it has.
  static func digits(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? String(value)
  }
}
