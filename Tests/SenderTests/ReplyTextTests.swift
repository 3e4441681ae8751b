import Testing

@testable import Sender

@Suite("A provider's answer as text")
struct ReplyTextTests {
  private static let big5: [UInt8] = [0xC3, 0x42, 0xAB, 0xD7]  // 額度
  private static let gbk: [UInt8] = [0xEE, 0x7E, 0xB6, 0xC8]  // 額度
  private static let hkscs: [UInt8] = [0x9D, 0xF7]  // 咗 of Hong Kong's supplement is not in Big5 itself.

  @Test(
    "is decoded by its charset, however that is written",
    arguments: [
      (big5, "text/html; charset=Big5", "額度"), (big5, "text/plain;Charset=\"BIG5\"", "額度"),
      (big5, "text/plain; x=y; charset = big5-hkscs ", "額度"), (big5, "text/xml;charset=MS950", "額度"),
      (hkscs, "text/html; charset=big5", "咗"),
      (gbk, "text/html; charset=GBK", "額度"), (gbk, "text/html; charset=gb18030", "額度"),
      (Array("額度".utf8), "text/plain; charset=utf-8", "額度"), (Array("額度".utf8), "text/plain; charset=UTF8", "額度"),
      ([0x4D, 0x98, 0xA6, 0x5E], "text/plain; charset=utf-16", "額度"),
      ([0x4D, 0x98, 0xA6, 0x5E], "text/plain; charset=utf-16le", "額度"),
      ([0x98, 0x4D, 0x5E, 0xA6], "text/plain; charset=utf-16be", "額度"),
      ([0x63, 0x61, 0x66, 0xE9], "text/plain; charset=iso-8859-1", "café"),
      ([0x80], "text/plain; charset=windows-1252", "€"), ([0x82, 0xA0], "text/plain; charset=Shift_JIS", "あ"),
    ] as [([UInt8], String, String)])
  func charset(bytes: [UInt8], type: String, text: String) {
    #expect(ReplyText.decode(bytes, contentType: type) == text)
  }

  @Test(
    "loses its byte order mark, which wins over the charset",
    arguments: [
      ([0xEF, 0xBB, 0xBF, 0x4F, 0x4B], "text/plain; charset=Big5", "OK"),
      ([0xFF, 0xFE, 0x4F, 0x00, 0x4B, 0x00], nil, "OK"), ([0xFE, 0xFF, 0x00, 0x4F, 0x00, 0x4B], nil, "OK"),
    ] as [([UInt8], String?, String)])
  func mark(bytes: [UInt8], type: String?, text: String) {
    #expect(ReplyText.decode(bytes, contentType: type) == text)
  }

  @Test("without a charset is what it says itself, else UTF-8, else Big5")
  func withoutCharset() {
    func decode(_ head: String, _ bytes: [UInt8], _ type: String? = nil) -> String {
      String(ReplyText.decode(Array(head.utf8) + bytes, contentType: type).unicodeScalars.suffix(2))
    }
    #expect(decode("<?xml version='1.0' encoding='GBK'?>", Self.gbk) == "額度")
    #expect(decode("<html><meta charset=gbk>", Self.gbk, "text/html") == "額度")
    #expect(
      decode("<meta http-equiv=\"Content-Type\" content=\"text/html; charset=gb2312\">", Self.gbk) == "額度")
    #expect(decode("", Self.big5) == "額度")
    #expect(decode("", Array("額度".utf8)) == "額度")
    #expect(decode("", Array("額度".utf8), "text/plain; charset=iso-8859-1") == "額度", "Latin-1 that nobody chose")
    #expect(decode("{", [], "application/json") == "{")
    #expect(ReplyText.decode([0x4F, 0, 0x4B, 0], contentType: "application/json") == "OK")
    #expect(ReplyText.decode([], contentType: "text/plain; charset=utf-16") == "")
  }

  @Test("never fails: what is not valid is shown as such, and an unknown charset is none")
  func invalid() {
    #expect(ReplyText.decode([0x4F, 0xFF, 0x4B], contentType: "text/plain; charset=utf-8") == "O\u{FFFD}K")
    #expect(ReplyText.decode(Array("OK".utf8), contentType: "text/plain; charset=klingon") == "OK")
    #expect(ReplyText.decode(Array("OK".utf8), contentType: "text/plain; charset=UTF-8//IGNORE") == "OK")
    #expect(ReplyText.decode([0x4F, 0, 0x4B, 0x21], contentType: nil) == "O\u{FFFD}K!")
    #expect(ReplyText.decode(Self.big5 + [0xAB], contentType: "text/plain; charset=big5") == "額度\u{FFFD}")
    #expect(ReplyText.decode([0xC3, 0x42, 0xFF, 0x4B], contentType: "text/plain; charset=big5").hasPrefix("額"))
    let cut = Array("額度".utf8).dropLast()
    #expect(ReplyText.decode(Array(cut), contentType: nil, isComplete: false) == "額")
  }

  @Test("is cut between two characters")
  func beginning() {
    #expect(ReplyText.beginning(of: "a額度", bytes: 5) == "a額")
    #expect(ReplyText.beginning(of: "a額度", bytes: 7) == "a額度")
    #expect(ReplyText.beginning(of: "額", bytes: 2) == "")
  }
}
