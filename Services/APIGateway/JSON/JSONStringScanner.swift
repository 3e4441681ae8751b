/// Reads one JSON string from behind its opening quote to behind its closing one.
struct JSONStringScanner {
  /// The next byte to read; after an error, where it is.
  private(set) var position: Int

  init(position: Int) { self.position = position }

  mutating func scan(_ bytes: [UInt8]) throws(JSONSyntaxError.Reason) -> String {
    let start = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        let text = try Self.text(bytes[start..<position])
        position += 1
        return text
      case UInt8(ascii: "\\"): return try scanEscaped(bytes, from: start)
      case 0..<0x20: throw .controlCharacter
      default: position += 1
      }
    }
    throw .unexpectedEnd
  }

  /// The slower way, for a string that contains an escape.
  private mutating func scanEscaped(_ bytes: [UInt8], from start: Int) throws(JSONSyntaxError.Reason) -> String {
    var unescaped = Array(bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        let text = try Self.text(unescaped[...])
        position += 1
        return text
      case UInt8(ascii: "\\"):
        position += 1
        try unescape(bytes, into: &unescaped)
      case 0..<0x20: throw .controlCharacter
      default:
        unescaped.append(byte)
        position += 1
      }
    }
    throw .unexpectedEnd
  }

  private mutating func unescape(_ bytes: [UInt8], into text: inout [UInt8]) throws(JSONSyntaxError.Reason) {
    guard position < bytes.count else { throw .unexpectedEnd }
    let escape = bytes[position]
    position += 1
    switch escape {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escape)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): text.append(contentsOf: String(Character(try scalar(bytes))).utf8)
    default: throw .invalidEscape
    }
  }

  /// The scalar of a `\uXXXX`, or of two that are a surrogate pair; a lone surrogate is no text.
  private mutating func scalar(_ bytes: [UInt8]) throws(JSONSyntaxError.Reason) -> Unicode.Scalar {
    let unit = try hexadecimal(bytes)
    if let scalar = Unicode.Scalar(unit) { return scalar }
    guard (0xD800...0xDBFF).contains(unit), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw .invalidEscape }
    position += 2
    let low = try hexadecimal(bytes)
    guard (0xDC00...0xDFFF).contains(low),
      let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
    else { throw .invalidEscape }
    return scalar
  }

  private mutating func hexadecimal(_ bytes: [UInt8]) throws(JSONSyntaxError.Reason) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count else { throw .unexpectedEnd }
      let digit: UInt8
      switch bytes[position] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = bytes[position] - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = bytes[position] - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = bytes[position] - UInt8(ascii: "A") + 10
      default: throw .invalidEscape
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  private static func text(_ bytes: ArraySlice<UInt8>) throws(JSONSyntaxError.Reason) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalidEncoding }
    return text
  }
}

extension JSONSyntaxError.Reason: Error {}
