import Contracts

extension UserFields {
  private static let names: Set<String> = [
    "username", "password", "is_admin", "is_active", "weight", "max_class", "daily_limit", "api_rate", "providers",
  ]

  /// Characters of a password.
  static let passwordLength = 8...256

  /// A user to be made: all but the name may be absent.
  /// - Throws: `APIError` that names every field concerned.
  static func new(_ bytes: [UInt8], isProvider: (String) -> Bool) throws -> UserFields {
    var reader = try MemberReader(bytes, allowing: names)
    reader.require("username")
    return try read(&reader, isProvider)
  }

  /// A change: what is absent stays.
  /// - Throws: `APIError` that names every field concerned.
  static func change(_ bytes: [UInt8], isProvider: (String) -> Bool) throws -> UserFields {
    var reader = try MemberReader(bytes, allowing: names)
    guard !reader.isEmpty else {
      throw APIError(
        .missingFields, "There is nothing to change",
        details: [.init("", "missing", "Give \(names.sorted().joined(separator: ", "))")])
    }
    return try read(&reader, isProvider)
  }

  private static func read(_ reader: inout MemberReader, _ isProvider: (String) -> Bool) throws -> UserFields {
    var fields = UserFields()
    fields.username = reader.given("username", Self.username)
    fields.password = reader.optional("password") { Self.password("password", &$0, $1) }
    fields.isAdmin = reader.given("is_admin") { $0.bool("is_admin", $1) }
    fields.isActive = reader.given("is_active") { $0.bool("is_active", $1) }
    fields.weight = reader.given("weight") { $0.number("weight", $1, in: 0.01...100) }
    fields.maxClass = reader.optional("max_class") { reader, value in
      guard let text = reader.string("max_class", value) else { return nil }
      if let name = MessageClass(rawValue: text) { return name }
      reader.note("max_class", "not_allowed", "Must be one of urgent, normal, bulk, or null")
      return nil
    }
    fields.dailyLimit = reader.optional("daily_limit") { $0.whole("daily_limit", $1, in: 1...Int(Int32.max)) }
    fields.apiRate = reader.optional("api_rate") { $0.whole("api_rate", $1, in: 1...100_000) }
    fields.providers = reader.optional("providers") { Self.providers(&$0, $1, isProvider) }
    try reader.check()
    return fields
  }

  private static func username(_ reader: inout MemberReader, _ value: JSONValue) -> String? {
    guard let text = reader.string("username", value) else { return nil }
    let scalars = text.unicodeScalars
    guard (1...255).contains(scalars.count) else {
      reader.note("username", "wrong_length", "Must have 1 to 255 characters")
      return nil
    }
    guard let name = PreparedUsername.stored(text), name.unicodeScalars.count <= 255 else {
      reader.note(
        "username", "invalid_character",
        "May have letters, digits, signs of ASCII and single spaces between them, in one direction of writing (RFC 8265)"
      )
      return nil
    }
    return name
  }

  /// A password to be, in the member of this name, as it is hashed.
  static func password(_ name: String, _ reader: inout MemberReader, _ value: JSONValue) -> String? {
    guard let text = reader.string(name, value) else { return nil }
    guard PreparedPassword.isAllowed(text) else {
      reader.note(name, "invalid_character", "May have no control characters")
      return nil
    }
    let prepared = PreparedPassword.mapped(text)
    if passwordLength.contains(prepared.unicodeScalars.count) { return prepared }
    reader.note(
      name, "wrong_length", "Must have \(passwordLength.lowerBound) to \(passwordLength.upperBound) characters")
    return nil
  }

  private static func providers(
    _ reader: inout MemberReader, _ value: JSONValue, _ isProvider: (String) -> Bool
  ) -> [String]? {
    guard case .array(let elements) = value else {
      reader.note("providers", "wrong_type", "Must be a list of names, or null for all")
      return nil
    }
    guard (1...100).contains(elements.count) else {
      reader.note("providers", "wrong_length", "Must have 1 to 100 names, or be null for all")
      return nil
    }
    var names: Set<String> = []
    for (index, element) in elements.enumerated() {
      let field = "providers[\(index)]"
      guard let name = reader.string(field, element) else { continue }
      if !isProvider(name) { reader.note(field, "unknown_provider", "There is no such provider") }
      names.insert(name)
    }
    return names.sorted()
  }
}
