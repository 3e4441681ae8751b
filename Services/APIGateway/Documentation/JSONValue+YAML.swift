import Yams

extension JSONValue {
  /// A piece of a YAML document, with the order of its members.
  init(_ node: Node) {
    switch node {
    case .scalar(let scalar): self = Self.scalar(scalar)
    case .sequence(let sequence): self = .array(sequence.map { JSONValue($0) })
    case .mapping(let mapping):
      self = .object(mapping.map { JSONMember(name: $0.key.string ?? "", value: JSONValue($0.value)) })
    // Composing puts what an alias stands for in its place.
    case .alias: self = .null
    }
  }

  /// The core schema of YAML 1.2: what is quoted is a string.
  private static func scalar(_ scalar: Node.Scalar) -> JSONValue {
    let text = scalar.string
    guard scalar.style == .any || scalar.style == .plain else { return .string(text) }
    switch text {
    case "", "~", "null": return .null
    case "true", "false": return .bool(text == "true")
    default:
      let isNumber = text.utf8.allSatisfy { (0x30...0x39).contains($0) || "-.".utf8.contains($0) }
      return isNumber ? Double(text).map { .number($0) } ?? .string(text) : .string(text)
    }
  }

  /// For people: what is short stays in one line.
  func pretty(indent: Int = 0) -> String {
    let margin = String(repeating: " ", count: indent + 2)
    let end = "\n" + String(repeating: " ", count: indent)
    let line = JSONWriter.text(self)
    switch self {
    case _ where line.utf8.count <= 60: return line
    case .null, .bool, .number, .string: return line
    case .array(let elements):
      return "[\n" + elements.map { margin + $0.pretty(indent: indent + 2) }.joined(separator: ",\n") + end + "]"
    case .object(let members):
      let lines = members.map { member in
        margin + JSONWriter.text(.string(member.name)) + ": " + member.value.pretty(indent: indent + 2)
      }
      return "{\n" + lines.joined(separator: ",\n") + end + "}"
    }
  }
}
