/// The fields of an `application/x-www-form-urlencoded` body or of a query string.
struct Form: Sendable {
  private var fields: [String: String] = [:]

  /// Decodes UTF-8 fields; of a repeated field the first counts.
  init(_ bytes: some Collection<UInt8>) throws(FieldError) {
    for pair in bytes.split(separator: UInt8(ascii: "&")) {
      let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard let first = parts.first, let name = Form.decode(first) else { throw FieldError("", "is not valid UTF-8") }
      guard let value = parts.count > 1 ? Form.decode(parts[1]) : "" else {
        throw FieldError(name, "is not percent-encoded UTF-8")
      }
      if fields[name] == nil { fields[name] = value }
    }
  }

  subscript(name: String) -> String? { fields[name] }

  var names: some Collection<String> { fields.keys }

  func integer(_ name: String, in range: ClosedRange<Int>) throws(FieldError) -> Int? {
    guard let text = fields[name] else { return nil }
    guard let value = Int(text), range.contains(value) else {
      throw FieldError(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  private static func decode(_ bytes: some Sequence<UInt8>) -> String? {
    var decoded: [UInt8] = []
    var iterator = bytes.makeIterator()
    while let byte = iterator.next() {
      switch byte {
      case UInt8(ascii: "+"): decoded.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        guard let high = iterator.next().flatMap(hexValue), let low = iterator.next().flatMap(hexValue) else {
          return nil
        }
        decoded.append(high << 4 | low)
      default: decoded.append(byte)
      }
    }
    return String(validating: decoded, as: UTF8.self)
  }

  private static func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
