/// Text as PostgreSQL can store it: U+0000, which a provider's answer may hold, becomes U+FFFD.
enum StoredText {
  static func of(_ text: String) -> String {
    guard text.utf8.contains(0) else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
  }

  static func of(_ text: String?) -> String? {
    text.map { of($0) }
  }
}
