/// A JSON text (RFC 8259) as it was written: members keep their order and their repeats.
enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([JSONMember])
}

/// One `"name": value` of an object.
struct JSONMember: Sendable, Equatable {
  var name: String
  var value: JSONValue
}

/// Why a text is not JSON. It never quotes the text.
struct JSONSyntaxError: Error, Equatable {
  /// What is wrong.
  enum Reason: String, Sendable {
    case unexpectedEnd = "unexpected_end"
    case unexpectedByte = "unexpected_byte"
    case trailingData = "trailing_data"
    case invalidEncoding = "invalid_utf8"
    case invalidEscape = "invalid_escape"
    case invalidNumber = "invalid_number"
    case controlCharacter = "control_character"
    case tooDeep = "too_deep"
  }

  var reason: Reason
  /// Where in the text, in bytes from its start.
  var offset: Int
  /// The member of the outermost object that it is in.
  var field: String?
}
