import Logging

/// Builds one JSON object in one line.
struct JSONLine {
  private var text = "{"

  mutating func add(_ key: String, _ value: String) { add(key, .string(value)) }

  mutating func add(_ key: String, _ value: Logger.MetadataValue) {
    if text.utf8.count > 1 { text += "," }
    append(key)
    text += ":"
    append(value)
  }

  /// The whole object; nothing can be added afterwards.
  consuming func finish() -> String { text + "}" }

  private mutating func append(_ value: Logger.MetadataValue) {
    switch value {
    case .string(let string): append(string)
    case .stringConvertible(let value): append("\(value)")
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += "," }
        append(value)
      }
      text += "]"
    case .dictionary(let values):
      text += "{"
      for (index, entry) in values.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { text += "," }
        append(entry.key)
        text += ":"
        append(entry.value)
      }
      text += "}"
    }
  }

  /// RFC 8259 §7.
  private mutating func append(_ string: String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\0"..<" ":
        let hex = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
