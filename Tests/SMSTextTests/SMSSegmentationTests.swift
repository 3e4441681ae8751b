import SMSText
import Testing

@Suite struct SMSSegmentationTests {
  private func text(_ piece: String, _ count: Int) -> String { String(repeating: piece, count: count) }

  @Test(
    "GSM-7 holds 160 septets in one SMS and 153 in each part",
    arguments: [
      (0, 1, 160), (1, 1, 159), (159, 1, 1), (160, 1, 0), (161, 2, 145), (305, 2, 1), (306, 2, 0), (307, 3, 152),
      (459, 3, 0), (460, 4, 152), (1530, 10, 0), (1531, 11, 152),
    ])
  func gsm(length: Int, segments: Int, left: Int) {
    let counted = SMSSegmentation(text("a", length))
    #expect(counted.encoding == .gsm7)
    #expect(counted.units == length)
    #expect(counted.segments == segments)
    #expect(counted.unitsLeft == left)
    #expect(counted.forcing.isEmpty)
  }

  @Test(
    "UCS-2 holds 70 units in one SMS and 67 in each part",
    arguments: [
      (1, 1, 69), (69, 1, 1), (70, 1, 0), (71, 2, 63), (134, 2, 0), (135, 3, 66), (201, 3, 0), (202, 4, 66),
      (670, 10, 0), (671, 11, 66),
    ])
  func ucs(length: Int, segments: Int, left: Int) {
    let counted = SMSSegmentation(text("好", length))
    #expect(counted.encoding == .ucs2)
    #expect(counted.units == length)
    #expect(counted.segments == segments)
    #expect(counted.unitsLeft == left)
    #expect(counted.forcing == ["好"])
  }

  @Test("The whole basic alphabet takes one septet a character")
  func basic() {
    let alphabet =
      "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
    #expect(alphabet.unicodeScalars.count == 127)
    let counted = SMSSegmentation(alphabet)
    #expect(counted.encoding == .gsm7)
    #expect(counted.units == 127)
  }

  @Test(
    "The extension table takes two septets a character",
    arguments: ["{", "}", "[", "]", "~", "^", "|", "€", "\\", "\u{C}"])
  func extended(character: String) {
    #expect(SMSSegmentation(character).encoding == .gsm7)
    #expect(SMSSegmentation(character).units == 2)
    #expect(SMSSegmentation(text(character, 80)).segments == 1)
    #expect(SMSSegmentation(text(character, 81)).segments == 2)
    #expect(SMSSegmentation("a" + text(character, 80)).segments == 2)
  }

  @Test("An escape pair is not split between two parts")
  func escapePairs() {
    // 153 is odd: a part of pairs alone holds 76 of them.
    #expect(SMSSegmentation(text("€", 152)).segments == 2)
    #expect(SMSSegmentation(text("€", 153)).segments == 3)
    let atBorder = SMSSegmentation(text("a", 152) + "€" + text("a", 151))
    #expect(atBorder.units == 305)
    #expect(atBorder.segments == 2)
    #expect(atBorder.unitsLeft == 0)
    #expect(SMSSegmentation(text("a", 152) + "€" + text("a", 152)).segments == 3)
    #expect(SMSSegmentation(text("a", 151) + "€" + text("a", 153)).segments == 2)
  }

  @Test("A surrogate pair is not split between two parts")
  func surrogatePairs() {
    #expect(SMSSegmentation(text("😀", 35)).segments == 1)
    #expect(SMSSegmentation(text("😀", 35)).units == 70)
    #expect(SMSSegmentation(text("😀", 36)).segments == 2)
    // 67 is odd: a part of pairs alone holds 33 of them.
    #expect(SMSSegmentation(text("😀", 66)).segments == 2)
    #expect(SMSSegmentation(text("😀", 67)).segments == 3)
    #expect(SMSSegmentation(text("好", 66) + "😀" + text("好", 65)).segments == 2)
    #expect(SMSSegmentation(text("好", 66) + "😀" + text("好", 66)).segments == 3)
  }

  @Test(
    "The characters that force UCS-2 are named once each",
    arguments: [
      ("Hello “world”", ["“", "”"]), ("你好,你", ["你", "好"]), ("café", []), ("cafe\u{301}", ["e\u{301}"]),
      ("ça va", ["ç"]), ("a`b", ["`"]), ("tab\there", ["\t"]), ("👨‍👩‍👧 ok 👨‍👩‍👧", ["👨‍👩‍👧"]), ("line\r\nbreak", []),
      ("…", ["…"]), ("{}[]~^|€\\", []),
    ] as [(String, [Character])])
  func forcing(text: String, expected: [Character]) {
    let counted = SMSSegmentation(text)
    #expect(counted.forcing == expected)
    #expect(counted.encoding == (expected.isEmpty ? .gsm7 : .ucs2))
  }

  @Test("One character outside the alphabet makes all the others count as UCS-2")
  func mixed() {
    let counted = SMSSegmentation(text("a", 70) + "你")
    #expect(counted.units == 71)
    #expect(counted.segments == 2)
    #expect(SMSSegmentation("€你").units == 2)
    #expect(SMSSegmentation("👨‍👩‍👧").units == 8)
  }
}
