import Yams

/// A piece of a YAML document, with the order of its members.
indirect enum DocumentValue: Sendable, Equatable {
  struct Member: Sendable, Equatable {
    var name: String
    var value: DocumentValue
  }

  case null
  /// A number or a truth, as it is written.
  case literal(String)
  case string(String)
  case array([DocumentValue])
  case object([Member])

  init(_ node: Node) {
    switch node {
    case .scalar(let scalar): self = Self.scalar(scalar)
    case .sequence(let sequence): self = .array(sequence.map(Self.init))
    case .mapping(let mapping):
      self = .object(mapping.map { Member(name: $0.key.string ?? "", value: DocumentValue($0.value)) })
    // Composing puts what an alias stands for in its place.
    case .alias: self = .null
    }
  }

  /// The core schema of YAML 1.2: what is quoted is a string.
  private static func scalar(_ scalar: Node.Scalar) -> DocumentValue {
    let text = scalar.string
    guard scalar.style == .any || scalar.style == .plain else { return .string(text) }
    switch text {
    case "", "~", "null": return .null
    case "true", "false": return .literal(text)
    case _ where Double(text) != nil && text.utf8.allSatisfy { (0x30...0x39).contains($0) || "-.".utf8.contains($0) }:
      return .literal(text)
    default: return .string(text)
    }
  }

  /// A member of an object.
  subscript(name: String) -> DocumentValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  var members: [Member] { if case .object(let members) = self { members } else { [] } }
  var elements: [DocumentValue] { if case .array(let elements) = self { elements } else { [] } }
  var text: String? { if case .string(let text) = self { text } else { nil } }
}

extension DocumentValue {
  /// In one line.
  var json: String {
    switch self {
    case .null: "null"
    case .literal(let text): text
    case .string(let text): Self.quoted(text)
    case .array(let elements): "[" + elements.map(\.json).joined(separator: ",") + "]"
    case .object(let members):
      "{" + members.map { Self.quoted($0.name) + ":" + $0.value.json }.joined(separator: ",") + "}"
    }
  }

  /// For people: what is short stays in one line.
  func pretty(indent: Int = 0) -> String {
    let margin = String(repeating: " ", count: indent + 2)
    let end = "\n" + String(repeating: " ", count: indent)
    switch self {
    case _ where json.utf8.count <= 60: return json
    case .null, .literal, .string: return json
    case .array(let elements):
      return "[\n" + elements.map { margin + $0.pretty(indent: indent + 2) }.joined(separator: ",\n") + end + "]"
    case .object(let members):
      let lines = members.map { margin + Self.quoted($0.name) + ": " + $0.value.pretty(indent: indent + 2) }
      return "{\n" + lines.joined(separator: ",\n") + end + "}"
    }
  }

  private static func quoted(_ text: String) -> String {
    let bytes = JSONWriter.object { json in json.member("t", text) }
    return String(decoding: bytes.dropFirst(5).dropLast(), as: UTF8.self)
  }
}
