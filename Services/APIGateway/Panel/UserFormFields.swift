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
  /// What the page showed at first: what is still so was not changed by whoever sends the form.
  var was: [PanelField] = []

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
    was =
      [
        ("username", username), ("weight", weight), ("max_class", user["max_class"]?.text ?? ""),
        ("daily_limit", dailyLimit), ("api_rate", apiRate), ("is_admin", isAdmin ? "1" : ""),
        ("is_active", isActive ? "1" : ""),
      ].map { PanelField(name: "was_\($0.0)", value: $0.1) }
      + self.providers.filter(\.isChosen).map { PanelField(name: "was_providers", value: $0.value) }
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
    was = Self.names.flatMap { name in
      form.all("was_\(name)").map { PanelField(name: "was_\(name)", value: $0) }
    }
  }

  /// The fields that may be changed, but for the password, which is never shown.
  private static let names = [
    "username", "weight", "max_class", "daily_limit", "api_rate", "is_admin", "is_active", "providers",
  ]

  /// What the API is asked to change: only what differs from what the page showed, so that a page from before another
  /// admin's change does not undo it.
  /// - Parameter user: The user as the API shows them now; needed when the form changes the providers.
  /// - Throws: `APIError` that names the field.
  static func changes(_ form: PanelForm, of user: JSONValue?) throws -> [(String, JSONValue?)] {
    let changed = names.filter { name in
      name == "providers" ? changesProviders(form) : form.trimmed(name) != form.trimmed("was_\(name)")
    }
    let body = body(form, isNew: false).filter { (changed + ["password"]).contains($0.0) && $0.1 != nil }
    return try body.map { name, value in
      name == "providers"
        ? (name, try providers(form, now: user?["providers"]?.elements.compactMap(\.text) ?? [])) : (name, value)
    }
  }

  /// True when other providers are ticked than were.
  static func changesProviders(_ form: PanelForm) -> Bool {
    Set(form.all("providers")) != Set(form.all("was_providers"))
  }

  /// The providers as they are now with what the form adds and takes away.
  /// - Throws: `APIError` where what was meant cannot be told: none stands for all.
  private static func providers(_ form: PanelForm, now: [String]) throws -> JSONValue {
    let (wanted, was) = (Set(form.all("providers")), Set(form.all("was_providers")))
    guard !wanted.isEmpty else { return .null }
    let result = Set(now).union(wanted.subtracting(was)).subtracting(was.subtracting(wanted))
    guard was.isEmpty == now.isEmpty, !result.isEmpty else {
      throw APIError.invalidField(
        "providers", "changed_meanwhile", "Were changed by somebody else meanwhile; load the page again")
    }
    return .array(result.sorted().map { .string($0) })
  }

  /// What the API is asked for.
  static func body(_ form: PanelForm, isNew: Bool) -> [(String, JSONValue?)] {
    // What is no number goes as it is: the API says all that is wrong at once.
    func number(_ name: String) -> JSONValue { form.trimmed(name).map(Self.number) ?? .null }
    let providers = form.all("providers")
    var body: [(String, JSONValue?)] = [
      ("username", .string(form.trimmed("username") ?? "")), ("password", form["password"].map { .string($0) }),
      ("is_admin", .bool(form.isTicked("is_admin"))), ("is_active", .bool(form.isTicked("is_active"))),
      ("weight", form.trimmed("weight") == nil ? nil : number("weight")),
      ("max_class", form["max_class"].map { .string($0) } ?? .null), ("daily_limit", number("daily_limit")),
      ("api_rate", number("api_rate")),
    ]
    // None ticked: whatever there is.
    if form.isTicked("has_providers") {
      body.append(("providers", providers.isEmpty ? .null : .array(providers.map { .string($0) })))
    }
    return isNew ? body.filter { $0.1 != .null } : body
  }

  /// A number as it was written; as text where it is none, for the API to say so.
  static func number(_ text: String) -> JSONValue {
    guard let number = Double(text), number.isFinite else { return .string(text) }
    return .number(number)
  }

  /// With no more digits than it has.
  static func digits(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? String(value)
  }
}
