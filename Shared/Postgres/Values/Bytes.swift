/// Arrays of bytes are `bytea`.
extension UInt8: PostgresArrayElement {
  public static var postgresArrayType: PostgresType { .bytea }

  public static func postgresContent(of array: [UInt8]) -> PostgresContent { .binary(array) }

  public static func postgresArray(from text: ArraySlice<UInt8>) throws -> [UInt8] {
    guard text.starts(with: #"\x"#.utf8), text.count.isMultiple(of: 2) else {
      throw PostgresDecodingFailure.expected("bytea")
    }
    var bytes = [UInt8]()
    bytes.reserveCapacity(text.count / 2 - 1)
    var rest = text.dropFirst(2)
    while let high = rest.popFirst(), let low = rest.popFirst() {
      guard let high = hexDigit(high), let low = hexDigit(low) else {
        throw PostgresDecodingFailure.expected("bytea")
      }
      bytes.append(high << 4 | low)
    }
    return bytes
  }
}

/// Arrays of arrays of bytes are `bytea[]`.
extension Array: PostgresArrayElement where Element == UInt8 {
  public static var postgresArrayType: PostgresType { PostgresType.bytea.array }

  public static func postgresContent(of array: [[UInt8]]) -> PostgresContent {
    ArrayLiteral.content(of: array) { bytes in
      var text = Array(#"\x"#.utf8)
      text.reserveCapacity(2 + bytes.count * 2)
      for byte in bytes {
        text.append(hexCharacter(byte >> 4))
        text.append(hexCharacter(byte & 15))
      }
      return .success(String(decoding: text, as: UTF8.self))
    }
  }

  public static func postgresArray(from text: ArraySlice<UInt8>) throws -> [[UInt8]] {
    try ArrayLiteral.elements(of: text).map { element in
      guard let element else { throw PostgresDecodingFailure("holds NULL") }
      return try UInt8.postgresArray(from: element)
    }
  }
}

func hexDigit(_ character: UInt8) -> UInt8? {
  switch character {
  case 48...57: character - 48
  case 97...102: character - 87
  case 65...70: character - 55
  case _: nil
  }
}

func hexCharacter(_ digit: UInt8) -> UInt8 { digit < 10 ? digit + 48 : digit + 87 }
