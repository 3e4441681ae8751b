import Contracts

/// Reads what an admin wants of a provider: a value overrides the file, `null` goes back to it, what is absent stays.
struct ProviderPatch {
  private var command: ProviderSet
  private var problems: [APIError.Detail] = []
  private var names: Set<String> = []

  /// - Throws: `APIError`: `INVALID_JSON`, `MISSING_FIELDS` or `INVALID_FIELD`, naming every member concerned.
  static func decode(_ bytes: [UInt8], provider: String) throws -> ProviderSet {
    guard case .object(let members) = try JSONBody.read(bytes) else {
      throw APIError(.invalidJSON, "The body must be a JSON object")
    }
    var patch = ProviderPatch(command: ProviderSet(provider: provider))
    for member in members { patch.read(member) }
    guard patch.problems.isEmpty else {
      throw APIError(.invalidField, "Fields are not valid", details: patch.problems)
    }
    guard !members.isEmpty else {
      throw APIError(
        .missingFields, "There is nothing to change",
        details: [.init("", "missing", "Give rate, window_s, weight or paused")])
    }
    return patch.command
  }

  private init(command: ProviderSet) { self.command = command }

  private mutating func read(_ member: JSONMember) {
    guard names.insert(member.name).inserted else {
      return note(member, "duplicate", "The field is given more than once")
    }
    switch member.name {
    case "rate":
      command.rate = setting(member, "Must be a whole number from 1 to 100000") { number in
        Int(exactly: number).flatMap { (1...100_000).contains($0) ? $0 : nil }
      }
    case "window_s":
      command.windowSeconds = setting(member, "Must be a number of seconds from 0.1 to 86400") { number in
        number >= 0.1 && number <= 86_400 ? number : nil
      }
    case "weight":
      command.weight = setting(member, "Must be a number above 0, at most 1000") { number in
        number > 0 && number <= 1_000 ? number : nil
      }
    case "paused":
      switch member.value {
      case .null: command.isPaused = .file
      case .bool(let isPaused): command.isPaused = .value(isPaused)
      case .number, .string, .array, .object: note(member, "wrong_type", "Must be true, false or null")
      }
    default: note(member, "unknown_field", "The field is not known")
    }
  }

  private mutating func setting<Value>(
    _ member: JSONMember, _ range: String, _ read: (Double) -> Value?
  ) -> SettingChange<Value> {
    switch member.value {
    case .null: return .file
    case .number(let number):
      if let value = read(number) { return .value(value) }
      note(member, "out_of_range", range)
    case .bool, .string, .array, .object: note(member, "wrong_type", "Must be a number or null")
    }
    return .unchanged
  }

  private mutating func note(_ member: JSONMember, _ code: String, _ message: String) {
    problems.append(.init(member.name, code, message))
  }
}
