import Foundation

/// User names as RFC 8265 §3 prepares them: however a keyboard writes a name, it is the same name.
///
/// A name keeps its letters' case, for people to read; compared is the lower case (`UsernameCaseMapped`).
enum PreparedUsername {
  /// A name as it is stored: full-width and half-width forms as their plain characters, in NFC.
  /// - Returns: `nil` when it has characters that RFC 8264's IdentifierClass forbids (controls, invisible characters,
  ///   symbols beyond ASCII), mixes directions of writing, or has spaces at its ends or two together.
  static func stored(_ text: String) -> String? {
    let name = mapped(text)
    let parts = name.unicodeScalars.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.allSatisfy({ part in !part.isEmpty && part.allSatisfy(isAllowed) }), hasOneDirection(name) else {
      return nil
    }
    return name
  }

  /// How a name that somebody types may be stored, the likeliest first: a name from before names were prepared is
  /// stored as it was typed then.
  static func spellings(of text: String) -> [String] {
    let name = mapped(text)
    var spellings: [String] = []
    // Swift takes canonically equal texts for one; the database does not.
    for spelling in [name, text, name.decomposedStringWithCanonicalMapping]
    where !spellings.contains(where: { $0.unicodeScalars.elementsEqual(spelling.unicodeScalars) }) {
      spellings.append(spelling)
    }
    return spellings
  }

  /// What two spellings of one name have in common.
  static func compared(_ text: String) -> String { mapped(text).lowercased().precomposedStringWithCanonicalMapping }

  private static func mapped(_ text: String) -> String {
    var plain = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x3000: plain.append(" ")
      case 0xFF01...0xFFEE:
        plain.append(contentsOf: String(scalar).precomposedStringWithCompatibilityMapping.unicodeScalars)
      default: plain.append(scalar)
      }
    }
    return String(plain).precomposedStringWithCanonicalMapping
  }

  /// RFC 8264 §4.2, without the characters that depend on their neighbours.
  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return (0x21...0x7E).contains(scalar.value) }
    let properties = scalar.properties
    guard !properties.isDefaultIgnorableCodePoint, !properties.isNoncharacterCodePoint, !isOldHangulJamo(scalar) else {
      return false
    }
    switch properties.generalCategory {
    case .lowercaseLetter, .uppercaseLetter, .otherLetter, .modifierLetter, .decimalNumber, .nonspacingMark,
      .spacingMark:
      break
    default: return false
    }
    // No look-alikes by compatibility, such as a ligature or a letter of mathematics.
    let plain = String(scalar).precomposedStringWithCompatibilityMapping.unicodeScalars
    return plain.elementsEqual(String(scalar).precomposedStringWithCanonicalMapping.unicodeScalars)
  }

  private static func isOldHangulJamo(_ scalar: Unicode.Scalar) -> Bool {
    (0x1100...0x11FF).contains(scalar.value) || (0xA960...0xA97C).contains(scalar.value)
      || (0xD7B0...0xD7FB).contains(scalar.value)
  }

  /// The Bidi Rule (RFC 5893 §2) as far as names need it: whoever writes from right to left begins so, uses no letters
  /// of the other direction, and ends with such a letter or a digit.
  private static func hasOneDirection(_ name: String) -> Bool {
    let letters = name.unicodeScalars.filter { $0.properties.isAlphabetic }
    guard letters.contains(where: isRightToLeft) else { return true }
    let last = name.unicodeScalars.last {
      $0.properties.generalCategory != .nonspacingMark
    }
    let endsWell = last.map { isRightToLeft($0) || $0.properties.generalCategory == .decimalNumber } ?? false
    return endsWell && letters.allSatisfy(isRightToLeft) && name.unicodeScalars.first.map(isRightToLeft) == true
  }

  private static func isRightToLeft(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0590...0x08FF, 0xFB1D...0xFDFF, 0xFE70...0xFEFF, 0x10800...0x10FFF, 0x1E800...0x1EFFF:
      scalar.properties.generalCategory != .decimalNumber
    default: false
    }
  }
}
