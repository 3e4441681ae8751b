/// PostgreSQL's text form of one-dimensional arrays: `{a,"b c",NULL}`.
enum ArrayLiteral {
  /// Writes an array; every element is quoted, so that no content can be taken for syntax or NULL.
  static func content<Element>(
    of array: [Element], _ text: (Element) -> Result<String, PostgresDecodingFailure>?
  ) -> PostgresContent {
    var literal = [UInt8]()
    literal.reserveCapacity(2 + array.count * 24)
    literal.append(UInt8(ascii: "{"))
    for (index, element) in array.enumerated() {
      if index > 0 { literal.append(UInt8(ascii: ",")) }
      switch text(element) {
      case nil: literal.append(contentsOf: "NULL".utf8)
      case .failure(let failure): return .invalid("element \(index + 1) \(failure.reason)")
      case .success(let text):
        literal.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
          if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { literal.append(UInt8(ascii: "\\")) }
          literal.append(byte)
        }
        literal.append(UInt8(ascii: "\""))
      }
    }
    literal.append(UInt8(ascii: "}"))
    return .text(String(decoding: literal, as: UTF8.self))
  }

  /// Reads an array; `nil` is NULL. Bounds (`[2:3]={…}`) are skipped.
  static func elements(of text: ArraySlice<UInt8>) throws -> [ArraySlice<UInt8>?] {
    var reader = Reader(rest: text)
    return try reader.elements()
  }

  private struct Reader {
    var rest: ArraySlice<UInt8>

    mutating func elements() throws -> [ArraySlice<UInt8>?] {
      if rest.first == UInt8(ascii: "["), let equals = rest.firstIndex(of: UInt8(ascii: "=")) {
        rest = rest[(equals + 1)...]
      }
      guard rest.popFirst() == UInt8(ascii: "{") else { throw PostgresDecodingFailure.expected("an array") }
      var elements: [ArraySlice<UInt8>?] = []
      if rest.first == UInt8(ascii: "}") { return elements }
      while true {
        elements.append(try element())
        switch rest.popFirst() {
        case UInt8(ascii: ","): continue
        case UInt8(ascii: "}"): return elements
        case .some, nil: throw PostgresDecodingFailure.expected("an array of one dimension")
        }
      }
    }

    private mutating func element() throws -> ArraySlice<UInt8>? {
      if rest.first == UInt8(ascii: "\"") { return try quoted() }
      let end = rest.firstIndex { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") } ?? rest.endIndex
      let element = rest[rest.startIndex..<end]
      rest = rest[end...]
      guard element.first != UInt8(ascii: "{") else {
        throw PostgresDecodingFailure.expected("an array of one dimension")
      }
      return element.elementsEqual("NULL".utf8) ? nil : element
    }

    private mutating func quoted() throws -> ArraySlice<UInt8> {
      rest.removeFirst()
      var element: [UInt8] = []
      while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "\""): return element[...]
        case UInt8(ascii: "\\"):
          guard let escaped = rest.popFirst() else { break }
          element.append(escaped)
        case _: element.append(byte)
        }
      }
      throw PostgresDecodingFailure.expected("an array")
    }
  }
}
