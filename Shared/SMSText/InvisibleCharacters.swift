/// Characters of a text that nobody sees and that cost space: zero-width characters, direction marks, odd spaces.
///
/// What belongs to an emoji is none of them, nor are line breaks, tabs and the space of Chinese texts.
public enum InvisibleCharacters {
  /// One kind of them in a text.
  public struct Found: Sendable, Hashable {
    /// `U+200B ZERO WIDTH SPACE`
    public var name: String
    public var count: Int
  }

  /// Those of a text, in the order in which they come first.
  public static func found(in text: String) -> [Found] {
    var found: [Found] = []
    visit(text) { scalar, isInvisible in
      guard isInvisible else { return }
      let name = Self.name(of: scalar)
      if let place = found.firstIndex(where: { $0.name == name }) {
        found[place].count += 1
      } else {
        found.append(Found(name: name, count: 1))
      }
    }
    return found
  }

  /// The text without them; odd spaces become plain ones.
  public static func removed(from text: String) -> String {
    var kept = String.UnicodeScalarView()
    visit(text) { scalar, isInvisible in
      if !isInvisible {
        kept.append(scalar)
      } else if scalar.properties.generalCategory == .spaceSeparator {
        kept.append(" ")
      }
    }
    return String(kept)
  }

  /// True when there is nothing to be seen.
  public static func isBlank(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy {
      $0.properties.isWhitespace || $0.properties.isDefaultIgnorableCodePoint || isControl($0)
    }
  }

  private static func visit(_ text: String, _ see: (Unicode.Scalar, Bool) -> Void) {
    for character in text {
      let isEmoji =
        character.unicodeScalars.contains { $0.properties.isEmoji && !$0.isASCII }
        || character.unicodeScalars.contains("\u{20E3}")
      for scalar in character.unicodeScalars { see(scalar, !isEmoji && isInvisible(scalar)) }
    }
  }

  private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.properties.isDefaultIgnorableCodePoint || isControl(scalar) { return true }
    return scalar.properties.generalCategory == .spaceSeparator && scalar != " " && scalar != "\u{3000}"
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .format, .lineSeparator, .paragraphSeparator: true
    case .control: !"\n\r\t".unicodeScalars.contains(scalar)
    default: false
    }
  }

  private static func name(of scalar: Unicode.Scalar) -> String {
    let code = String(scalar.value, radix: 16, uppercase: true)
    let padded = String(repeating: "0", count: max(0, 4 - code.count)) + code
    let name = scalar.properties.name ?? scalar.properties.nameAlias
    return name.map { "U+\(padded) \($0)" } ?? "U+\(padded)"
  }
}
