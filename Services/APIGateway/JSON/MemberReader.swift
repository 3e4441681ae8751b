import Contracts

/// Reads the members of one JSON object and collects everything that is wrong with them.
struct MemberReader {
  private(set) var members: [String: JSONValue] = [:]
  private var problems: [APIError.Detail] = []
  private var missing: [APIError.Detail] = []

  /// - Throws: `INVALID_JSON`. Unknown and repeated members are noted.
  init(_ bytes: [UInt8], allowing names: Set<String>) throws {
    guard case .object(let object) = try JSONBody.read(bytes) else {
      throw APIError(.invalidJSON, "The body must be a JSON object")
    }
    for member in object {
      guard members.updateValue(member.value, forKey: member.name) == nil else {
        note(member.name, "duplicate", "The field is given more than once")
        continue
      }
      if !names.contains(member.name) { note(member.name, "unknown_field", "The field is not known") }
    }
  }

  var isEmpty: Bool { members.isEmpty }

  mutating func note(_ field: String, _ code: String, _ message: String) {
    problems.append(.init(field, code, message))
  }

  /// - Throws: `MISSING_FIELDS` or `INVALID_FIELD` with everything that was noted.
  func check() throws {
    if !missing.isEmpty { throw APIError(.missingFields, "Fields are missing", details: missing + problems) }
    if !problems.isEmpty { throw APIError(.invalidField, "Fields are not valid", details: problems) }
  }

  /// Notes that a member is missing unless it is there and no `null`.
  mutating func require(_ name: String) {
    if members[name] == nil || members[name] == .null { missing.append(.init(name, "missing", "The field is needed")) }
  }

  /// A member that may be `null`: read when it is there.
  /// - Parameter read: The value, or `nil` after it has noted why there is none.
  mutating func optional<Value>(
    _ name: String, _ read: (inout MemberReader, JSONValue) -> Value?
  ) -> UserFields.Given<Value?> {
    switch members[name] {
    case nil: return .absent
    case .null: return .value(nil)
    case let value?: return read(&self, value).map { .value($0) } ?? .absent
    }
  }

  /// A member that may not be `null`. One that was missed already is no second problem.
  mutating func given<Value>(
    _ name: String, _ read: (inout MemberReader, JSONValue) -> Value?
  ) -> UserFields.Given<Value> {
    guard !missing.contains(where: { $0.field == name }) else { return .absent }
    return members[name].flatMap { read(&self, $0) }.map { .value($0) } ?? .absent
  }

  mutating func string(_ name: String, _ value: JSONValue) -> String? {
    if case .string(let text) = value { return text }
    note(name, "wrong_type", "Must be a string")
    return nil
  }

  mutating func bool(_ name: String, _ value: JSONValue) -> Bool? {
    if case .bool(let bool) = value { return bool }
    note(name, "wrong_type", "Must be true or false")
    return nil
  }

  mutating func number(_ name: String, _ value: JSONValue, in range: ClosedRange<Double>) -> Double? {
    guard case .number(let number) = value else {
      note(name, "wrong_type", "Must be a number")
      return nil
    }
    if range.contains(number) { return number }
    note(name, "out_of_range", "Must be a number from \(range.lowerBound) to \(range.upperBound)")
    return nil
  }

  mutating func whole(_ name: String, _ value: JSONValue, in range: ClosedRange<Int>) -> Int? {
    guard case .number(let number) = value else {
      note(name, "wrong_type", "Must be a number")
      return nil
    }
    if let whole = Int(exactly: number), range.contains(whole) { return whole }
    note(name, "out_of_range", "Must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    return nil
  }
}
