import Glibc

/// The text of a file as spreadsheets and editors in Hong Kong save it.
///
/// What is UTF-8 is read as that; UTF-16 by its byte order mark; what is neither as Big5, by glibc's tables, if it is that
/// from beginning to end: as Windows writes it, and then with Hong Kong's characters. That it could be read as Big5 proves
/// little: most texts of Western Windows can.
public struct SpreadsheetText: Sendable, Equatable {
  /// How a text is written in bytes; the name is the one that people know.
  public enum Encoding: String, Sendable, CaseIterable {
    case utf8 = "UTF-8"
    case utf16 = "UTF-16"
    case big5 = "Big5"
  }

  public let text: String
  public let encoding: Encoding

  /// - Returns: `nil` when the bytes are none of these, or when the system has no table for Big5.
  public init?(_ bytes: [UInt8]) {
    if let text = Self.utf16(bytes) {
      (self.text, encoding) = (text, .utf16)
    } else if let text = String(validating: bytes, as: UTF8.self) {
      (self.text, encoding) = (text, .utf8)
    } else if let text = Self.big5(bytes) {
      (self.text, encoding) = (text, .big5)
    } else {
      return nil
    }
  }

  private static func utf16(_ bytes: [UInt8]) -> String? {
    let isLittle = bytes.starts(with: [0xFF, 0xFE])
    guard isLittle || bytes.starts(with: [0xFE, 0xFF]), bytes.count.isMultiple(of: 2) else { return nil }
    let units = stride(from: 2, to: bytes.count, by: 2).map { place in
      let (first, second) = (UInt16(bytes[place]), UInt16(bytes[place + 1]))
      return isLittle ? second << 8 | first : first << 8 | second
    }
    return String(validating: units, as: UTF16.self)
  }

  private static func big5(_ bytes: [UInt8]) -> String? {
    // Excel saves Windows' own table, whose `～` and `‧` are others than Hong Kong's, and which has `／` and `€`.
    if let text = decode(bytes, "CP950"), !text.unicodeScalars.contains(where: { isPrivate($0) }) { return text }
    return decode(bytes, "BIG5-HKSCS")
  }

  /// Windows' table has places for characters of one's own where Hong Kong's has its characters.
  private static func isPrivate(_ scalar: Unicode.Scalar) -> Bool { (0xE000...0xF8FF).contains(scalar.value) }

  private static func decode(_ bytes: [UInt8], _ name: String) -> String? {
    guard let table = iconv_open("UTF-8", name), Int(bitPattern: table) != -1 else { return nil }
    defer { iconv_close(table) }
    var input = bytes.map { CChar(bitPattern: $0) }
    // Two bytes make at most two characters beyond ASCII, none of more than four bytes.
    var output = [CChar](repeating: 0, count: bytes.count * 4 + 16)
    let written = input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output -> Int? in
        var (from, to) = (input.baseAddress, output.baseAddress)
        var (left, room) = (input.count, output.count)
        guard iconv(table, &from, &left, &to, &room) == 0, left == 0 else { return nil }
        // A character that waited for what might have been added to it.
        guard iconv(table, nil, nil, &to, &room) == 0 else { return nil }
        return output.count - room
      }
    }
    guard let written else { return nil }
    return String(validating: output[..<written].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
