import SMSText
import Testing

@Suite("Characters that cannot be seen")
struct InvisibleCharactersTests {
  @Test(
    "They are named with their numbers, and removed; an odd space becomes a plain one",
    arguments: [
      ("Hi\u{200B}", ["U+200B ZERO WIDTH SPACE"], "Hi"), ("a\u{200D}b\u{200D}", ["U+200D ZERO WIDTH JOINER"], "ab"),
      ("9\u{202F}00", ["U+202F NARROW NO-BREAK SPACE"], "9 00"),
      ("\u{FEFF}x", ["U+FEFF ZERO WIDTH NO-BREAK SPACE"], "x"),
      ("a\u{A0}b", ["U+00A0 NO-BREAK SPACE"], "a b"), ("\u{202E}x", ["U+202E RIGHT-TO-LEFT OVERRIDE"], "x"),
    ])
  func named(text: String, names: [String], cleaned: String) {
    #expect(InvisibleCharacters.found(in: text).map(\.name) == names)
    #expect(InvisibleCharacters.removed(from: text) == cleaned)
  }

  @Test(
    "Emoji, line breaks, tabs and the space of Chinese texts stay", arguments: ["👨‍👩‍👧 ❤️ 1️⃣", "a\nb\tc", "你好　世界", "Grüße"])
  func kept(text: String) {
    #expect(InvisibleCharacters.found(in: text).isEmpty && InvisibleCharacters.removed(from: text) == text)
  }

  @Test(
    "A text of which nothing can be seen is blank",
    arguments: [("", true), (" ", true), ("\u{200B}\n\u{3000}", true), ("a ", false)])
  func blank(text: String, isBlank: Bool) {
    #expect(InvisibleCharacters.isBlank(text) == isBlank)
  }
}
