extension JSONValue {
  /// The first member of this name of an object.
  subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  var text: String? { if case .string(let text) = self { text } else { nil } }
  var number: Double? { if case .number(let number) = self { number } else { nil } }
  var whole: Int? { number.flatMap { Int(exactly: $0) } }
  var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
  var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
  var members: [JSONMember] { if case .object(let members) = self { members } else { [] } }
}
