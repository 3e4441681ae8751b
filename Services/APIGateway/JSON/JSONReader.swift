/// Reads one JSON text, strictly: nothing before or after it, no lax numbers, well-formed UTF-8 and surrogate pairs.
struct JSONReader {
  /// Arrays and objects within each other beyond which a text is refused, so that none can exhaust the stack.
  static let maximumDepth = 32

  private let bytes: [UInt8]
  private var position = 0
  private var field: String?

  /// - Throws: `JSONSyntaxError`
  static func read(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSONValue {
    var reader = JSONReader(bytes: bytes)
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.position == bytes.count else { throw reader.error(.trailingData) }
    return value
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func value(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    skipSpace()
    switch try peek() {
    case UInt8(ascii: "{"): return .object(try members(depth: depth + 1))
    case UInt8(ascii: "["): return .array(try elements(depth: depth + 1))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    default: return .number(try number())
    }
  }

  private mutating func members(depth: Int) throws(JSONSyntaxError) -> [JSONMember] {
    try open(depth)
    var members: [JSONMember] = []
    if try closes(with: UInt8(ascii: "}")) { return members }
    while true {
      skipSpace()
      guard try peek() == UInt8(ascii: "\"") else { throw error(.unexpectedByte) }
      let name = try string()
      if depth == 1 { field = name }
      skipSpace()
      guard try next() == UInt8(ascii: ":") else { throw error(.unexpectedByte, back: 1) }
      members.append(JSONMember(name: name, value: try value(depth: depth)))
      if depth == 1 { field = nil }
      if try ends(with: UInt8(ascii: "}")) { return members }
    }
  }

  private mutating func elements(depth: Int) throws(JSONSyntaxError) -> [JSONValue] {
    try open(depth)
    var elements: [JSONValue] = []
    if try closes(with: UInt8(ascii: "]")) { return elements }
    while true {
      elements.append(try value(depth: depth))
      if try ends(with: UInt8(ascii: "]")) { return elements }
    }
  }

  private mutating func open(_ depth: Int) throws(JSONSyntaxError) {
    guard depth <= Self.maximumDepth else { throw error(.tooDeep) }
    position += 1
  }

  /// True, and past it, when the container is empty.
  private mutating func closes(with close: UInt8) throws(JSONSyntaxError) -> Bool {
    skipSpace()
    guard try peek() == close else { return false }
    position += 1
    return true
  }

  /// Past the comma or the container's end; true for the end.
  private mutating func ends(with close: UInt8) throws(JSONSyntaxError) -> Bool {
    skipSpace()
    let byte = try next()
    guard byte == close || byte == UInt8(ascii: ",") else { throw error(.unexpectedByte, back: 1) }
    return byte == close
  }

  private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
    for index in 0..<text.utf8CodeUnitCount {
      guard try next() == text.utf8Start[index] else { throw error(.unexpectedByte, back: 1) }
    }
    return value
  }

  private mutating func number() throws(JSONSyntaxError) -> Double {
    let start = position
    func digits(_ reader: inout JSONReader) -> Int {
      let first = reader.position
      while let byte = reader.current, byte >= 48, byte <= 57 { reader.position += 1 }
      return reader.position - first
    }
    if current == UInt8(ascii: "-") { position += 1 }
    let leadingZero = current == UInt8(ascii: "0")
    let whole = digits(&self)
    guard whole > 0 else { throw error(position == start ? .unexpectedByte : .invalidNumber) }
    guard !leadingZero || whole == 1 else { throw error(.invalidNumber) }
    if current == UInt8(ascii: ".") {
      position += 1
      guard digits(&self) > 0 else { throw error(.invalidNumber) }
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      position += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
      guard digits(&self) > 0 else { throw error(.invalidNumber) }
    }
    guard let value = Double(String(decoding: bytes[start..<position], as: UTF8.self)), value.isFinite else {
      throw error(.invalidNumber)
    }
    return value
  }

  private mutating func string() throws(JSONSyntaxError) -> String {
    var scanner = JSONStringScanner(position: position + 1)
    do {
      let text = try scanner.scan(bytes)
      position = scanner.position
      return text
    } catch {
      position = scanner.position
      throw self.error(error)
    }
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func peek() throws(JSONSyntaxError) -> UInt8 {
    guard position < bytes.count else { throw error(.unexpectedEnd) }
    return bytes[position]
  }

  private mutating func next() throws(JSONSyntaxError) -> UInt8 {
    let byte = try peek()
    position += 1
    return byte
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private func error(_ reason: JSONSyntaxError.Reason, back: Int = 0) -> JSONSyntaxError {
    JSONSyntaxError(reason: reason, offset: position - back, field: field)
  }
}
