import Foundation

/// Passwords as RFC 8265 §4 prepares them (`OpaqueString`): every space is U+0020, and letters are in NFC. Nothing is
/// trimmed, and case is kept.
enum PreparedPassword {
  /// A password as it is hashed.
  static func mapped(_ text: String) -> String {
    var plain = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      plain.append(scalar.properties.generalCategory == .spaceSeparator ? " " : scalar)
    }
    return String(plain).precomposedStringWithCanonicalMapping
  }

  /// False for a password with control characters, which no form types.
  static func isAllowed(_ text: String) -> Bool {
    !text.unicodeScalars.contains {
      $0.properties.generalCategory == .control || $0.properties.isNoncharacterCodePoint
    }
  }

  /// What is compared with a stored hash, in order: one from before passwords were prepared is of what was typed then.
  static func spellings(of text: String) -> [String] {
    let prepared = mapped(text)
    return prepared.utf8.elementsEqual(text.utf8) ? [prepared] : [prepared, text]
  }
}
