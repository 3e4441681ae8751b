import Glibc

/// Decodes text by the name of its character set, with glibc's tables.
enum Charset {
  /// - Returns: `nil` when the system has no table for the name, or the bytes are not valid in it.
  static func decode(_ bytes: some Sequence<UInt8>, as label: String) -> String? {
    names(of: label).lazy.compactMap { convert(bytes, $0, isLossy: false) }.first
  }

  /// Each byte that is not valid becomes U+FFFD.
  /// - Returns: `nil` when the system has no table for the name.
  static func decodeLossy(_ bytes: some Sequence<UInt8>, as label: String) -> String? {
    decode(bytes, as: label) ?? names(of: label).first.flatMap { convert(bytes, $0, isLossy: true) }
  }

  /// The tables for a label, the most likely first, after the Encoding Standard: labels of a smaller set mean the larger
  /// one that people really write. Big5 is Hong Kong's, else Windows' own.
  private static func names(of label: String) -> [String] {
    let label = label.lowercased()
    guard !label.isEmpty, label.utf8.count <= 40, label.utf8.allSatisfy(isNameByte) else { return [] }
    switch label {
    case "utf-8", "utf8", "unicode-1-1-utf-8": return ["UTF-8"]
    case "big5", "big5-hkscs", "big5hkscs", "cn-big5", "csbig5", "x-x-big5", "cp950", "ms950", "windows-950":
      return ["BIG5-HKSCS", "CP950"]
    case "gbk", "gb2312", "gb_2312-80", "gb_2312", "chinese", "x-gbk", "gb18030", "cp936", "ms936", "euc-cn":
      return ["GB18030"]
    case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "l1", "us-ascii", "ascii", "windows-1252", "cp1252":
      return ["CP1252"]
    default: return [label.uppercased()]
    }
  }

  /// No slash, which would add iconv's own instructions to the name.
  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
      UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ":"):
      true
    default: false
    }
  }

  private static func convert(_ bytes: some Sequence<UInt8>, _ name: String, isLossy: Bool) -> String? {
    guard let table = iconv_open("UTF-8", name), Int(bitPattern: table) != -1 else { return nil }
    defer { iconv_close(table) }
    var input = bytes.map { CChar(bitPattern: $0) }
    // No character set makes more than four bytes of UTF-8 from one byte.
    var output = [CChar](repeating: 0, count: input.count * 4 + 16)
    let written = input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output -> Int? in
        var (from, to) = (input.baseAddress, output.baseAddress)
        var (left, room) = (input.count, output.count)
        while left > 0, iconv(table, &from, &left, &to, &room) == -1 {
          guard isLossy, left > 0, room >= 3, let place = to else { return nil }
          for (offset, byte) in [0xEF, 0xBF, 0xBD].enumerated() { place[offset] = CChar(bitPattern: UInt8(byte)) }
          (to, room) = (place + 3, room - 3)
          (from, left) = (from.map { $0 + 1 }, left - 1)
          iconv(table, nil, nil, nil, nil)
        }
        // A character that waited for what might have been added to it.
        guard iconv(table, nil, nil, &to, &room) != -1 else { return nil }
        return output.count - room
      }
    }
    guard let written else { return nil }
    return String(decoding: output[..<written].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
