import Mustache

/// Text as it stands in HTML, in an element or in a quoted attribute (OWASP "Cross Site Scripting Prevention").
///
/// Scalar by scalar: Mustache's own way looks at characters, and `<` with a combining mark behind it, or a prepended sign
/// before it, is another character to Swift and a tag to a browser.
struct HTMLText: MustacheContentType {
  private static let name = "SluiceHTML"

  /// A template that writes values in this way. The parts of a page are templates of their own, and need it each.
  /// - Throws: When the text is no template.
  static func template(_ text: String) throws -> MustacheTemplate {
    MustacheContentTypes.register(HTMLText(), named: name)
    return try MustacheTemplate(string: "{{% CONTENT_TYPE:\(name)}}\(text)")
  }

  func escapeText(_ text: String) -> String {
    var escaped: [UInt8] = []
    escaped.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "<"): escaped.append(contentsOf: "&lt;".utf8)
      case UInt8(ascii: ">"): escaped.append(contentsOf: "&gt;".utf8)
      case UInt8(ascii: "&"): escaped.append(contentsOf: "&amp;".utf8)
      case UInt8(ascii: "\""): escaped.append(contentsOf: "&quot;".utf8)
      case UInt8(ascii: "'"): escaped.append(contentsOf: "&#39;".utf8)
      default: escaped.append(byte)
      }
    }
    return String(decoding: escaped, as: UTF8.self)
  }
}
