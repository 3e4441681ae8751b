/// Reads the bytes of a provider's answer as text.
///
/// A byte order mark wins, then the charset of `Content-Type` (RFC 9110 §8.3.2), then the one that the text names itself
/// (XML's declaration, HTML's `meta`). Without any it is UTF-8, else Big5, which is what systems in Hong Kong write.
enum ReplyText {
  /// - Parameter isComplete: Whether the body ends where the provider ended it; a cut one may end within a character.
  static func decode(_ body: [UInt8], contentType: String?, isComplete: Bool = true) -> String {
    text(of: body, contentType, isComplete)
      // PostgreSQL's text cannot hold NUL.
      .replacing("\0", with: "\u{FFFD}")
  }

  /// The beginning of a text, of at most so many bytes of UTF-8, cut between two characters.
  static func beginning(of text: String, bytes limit: Int) -> String {
    guard text.utf8.count > limit else { return text }
    var end = text.utf8.index(text.utf8.startIndex, offsetBy: limit)
    while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
    return String(text.unicodeScalars[..<end])
  }

  private static func text(of body: [UInt8], _ contentType: String?, _ isComplete: Bool) -> String {
    if body.starts(with: [0xEF, 0xBB, 0xBF]) { return String(decoding: body.dropFirst(3), as: UTF8.self) }
    if body.starts(with: [0xFF, 0xFE]) { return utf16(body.dropFirst(2), isLittle: true) }
    if body.starts(with: [0xFE, 0xFF]) { return utf16(body.dropFirst(2), isLittle: false) }
    guard var label = (contentType.flatMap(charset) ?? declared(in: body))?.lowercased() else {
      return guess(body, isComplete)
    }
    switch label {
    case "utf-16", "utf16", "ucs-2", "iso-10646-ucs-2": return utf16(body[...], isLittle: body.first != 0)
    case "utf-16le": return utf16(body[...], isLittle: true)
    case "utf-16be": return utf16(body[...], isLittle: false)
    case "iso-8859-1", "iso8859-1", "latin1", "us-ascii", "ascii":
      // The default of many servers, which nobody chose: what is UTF-8 is not that by chance.
      if let text = utf8(body, isComplete) { return text }
      if let own = declared(in: body) { label = own }
    default: break
    }
    return Charset.decodeLossy(body, as: label) ?? guess(body, isComplete)
  }

  private static func guess(_ body: [UInt8], _ isComplete: Bool) -> String {
    if body.count >= 4, body.count.isMultiple(of: 2) {
      if body[1] == 0, body[3] == 0, body[0] != 0 { return utf16(body[...], isLittle: true) }
      if body[0] == 0, body[2] == 0, body[1] != 0 { return utf16(body[...], isLittle: false) }
    }
    return utf8(body, isComplete) ?? Charset.decode(body, as: "big5") ?? String(decoding: body, as: UTF8.self)
  }

  private static func utf8(_ body: [UInt8], _ isComplete: Bool) -> String? {
    for missing in 0...(isComplete ? 0 : min(3, body.count)) {
      if let text = String(validating: body.dropLast(missing), as: UTF8.self) { return text }
    }
    return nil
  }

  private static func utf16(_ bytes: ArraySlice<UInt8>, isLittle: Bool) -> String {
    let units = stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map { place in
      let (first, second) = (UInt16(bytes[place]), UInt16(bytes[place + 1]))
      return isLittle ? second << 8 | first : first << 8 | second
    }
    return String(decoding: units, as: UTF16.self)
  }

  /// The charset parameter of a media type.
  private static func charset(of contentType: String) -> String? {
    for parameter in contentType.split(separator: ";").dropFirst() {
      let parts = parameter.split(separator: "=", maxSplits: 1).map { $0.trimming(" \t") }
      guard parts.count == 2, parts[0].lowercased() == "charset" else { continue }
      let value = parts[1].trimming("\"'")
      return value.isEmpty ? nil : value
    }
    return nil
  }

  /// What the text says of itself in its first kilobyte; UTF-16 cannot be said in ASCII.
  private static func declared(in body: [UInt8]) -> String? {
    let head = String(decoding: body.prefix(1024).map { $0 < 0x80 ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    let declaration = /<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)/.ignoresCase()
    let meta = /<meta[^>]*?charset\s*=\s*["']?\s*([A-Za-z0-9._:-]+)/.ignoresCase()
    guard let label = (head.firstMatch(of: declaration) ?? head.firstMatch(of: meta))?.1 else { return nil }
    return label.lowercased().hasPrefix("utf-16") ? "utf-8" : String(label)
  }
}

extension StringProtocol {
  /// Without these characters at the ends.
  fileprivate func trimming(_ characters: String) -> String {
    let start = drop { characters.contains($0) }
    guard let end = start.lastIndex(where: { !characters.contains($0) }) else { return "" }
    return String(start[...end])
  }
}
