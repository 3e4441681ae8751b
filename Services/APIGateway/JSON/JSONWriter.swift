import Contracts

/// Writes JSON straight into bytes. The caller keeps to the grammar: members in objects, elements in arrays.
struct JSONWriter {
  private(set) var bytes: [UInt8] = []
  private var needsComma = false

  /// One whole value.
  static func text(_ value: JSONValue) -> String {
    var writer = JSONWriter()
    writer.put(value)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  init(reserving capacity: Int = 1024) { bytes.reserveCapacity(capacity) }

  /// One whole object.
  static func object(_ content: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter()
    writer.braces(content)
    return writer.bytes
  }

  // MARK: Members

  mutating func member(_ name: StaticString, _ value: String?) {
    key(name)
    if let value { put(value) } else { raw("null") }
  }

  mutating func member(_ name: StaticString, _ value: Int?) {
    key(name)
    if let value { bytes.append(contentsOf: String(value).utf8) } else { raw("null") }
  }

  mutating func member(_ name: StaticString, _ value: Bool) {
    key(name)
    raw(value ? "true" : "false")
  }

  /// With at most three digits after the point; `null` for what is no number.
  mutating func member(_ name: StaticString, _ value: Double?) {
    key(name)
    if let value, value.isFinite {
      bytes.append(contentsOf: ((value * 1000).rounded() / 1000).description.utf8)
    } else {
      raw("null")
    }
  }

  mutating func member(_ name: StaticString, _ value: Timestamp?) { member(name, value?.description) }

  /// Without a fraction where it has none; `null` for what is no number.
  mutating func member(_ name: StaticString, number: Double?) {
    if let number, let whole = Int(exactly: number) { member(name, whole) } else { member(name, number) }
  }

  mutating func null(_ name: StaticString) {
    key(name)
    raw("null")
  }

  mutating func object(_ name: StaticString, _ content: (inout JSONWriter) -> Void) {
    key(name)
    braces(content)
  }

  /// An object whose name is not known before.
  mutating func object(named name: String, _ content: (inout JSONWriter) -> Void) {
    separate()
    put(name)
    bytes.append(UInt8(ascii: ":"))
    braces(content)
  }

  mutating func array<Element>(
    _ name: StaticString, _ elements: some Sequence<Element>, _ element: (inout JSONWriter, Element) -> Void
  ) {
    key(name)
    bytes.append(UInt8(ascii: "["))
    needsComma = false
    for item in elements { element(&self, item) }
    bytes.append(UInt8(ascii: "]"))
    needsComma = true
  }

  /// Any value.
  mutating func member(_ name: StaticString, _ value: JSONValue) {
    key(name)
    put(value)
  }

  // MARK: Elements

  mutating func element(_ value: String) {
    separate()
    put(value)
    needsComma = true
  }

  mutating func element(_ content: (inout JSONWriter) -> Void) {
    separate()
    braces(content)
  }

  // MARK: Inside

  private mutating func braces(_ content: (inout JSONWriter) -> Void) {
    bytes.append(UInt8(ascii: "{"))
    needsComma = false
    content(&self)
    bytes.append(UInt8(ascii: "}"))
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = false
  }

  private mutating func key(_ name: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    raw(name)
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
    needsComma = true
  }

  private mutating func raw(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func put(_ value: JSONValue) {
    switch value {
    case .null: raw("null")
    case .bool(let bool): raw(bool ? "true" : "false")
    case .number(let number):
      bytes.append(contentsOf: (Int(exactly: number).map(\.description) ?? number.description).utf8)
    case .string(let text): put(text)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        put(element)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        put(member.name)
        bytes.append(UInt8(ascii: ":"))
        put(member.value)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  private mutating func put(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0x0A: raw("\\n")
      case 0..<0x20:
        raw("\\u00")
        bytes.append(byte < 0x10 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
        bytes.append(Array("0123456789abcdef".utf8)[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
