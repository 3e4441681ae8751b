import CSV
import Testing

@Suite("Texts as spreadsheets save them")
struct SpreadsheetTextTests {
  private let table = "電話,姓名\r\n91234567,陳大文\r\n"

  @Test("UTF-8 is read as it is, a byte order mark with it")
  func utf8() {
    #expect(SpreadsheetText(Array(table.utf8))?.encoding == .utf8)
    #expect(SpreadsheetText(Array(table.utf8))?.text == table)
    #expect(SpreadsheetText(Array("\u{FEFF}a".utf8))?.text == "\u{FEFF}a")
    #expect(SpreadsheetText([])?.encoding == .utf8)
  }

  @Test("UTF-16 is known by its byte order mark, in both orders", arguments: [true, false])
  func utf16(isLittle: Bool) throws {
    let bytes = ("\u{FEFF}" + table).utf16.flatMap { unit -> [UInt8] in
      let (high, low) = (UInt8(unit >> 8), UInt8(unit & 0xFF))
      return isLittle ? [low, high] : [high, low]
    }
    let read = try #require(SpreadsheetText(bytes))
    #expect(read.text == table && read.encoding == .utf16)
    #expect(SpreadsheetText(bytes.dropLast()) == nil, "half a character")
  }

  @Test("Big5 is read with Hong Kong's own characters")
  func big5() throws {
    // 電話,姓名 and 陳大文; then 啲 and 嘅, which only Hong Kong's set has, and one that is two in Unicode.
    let head: [UInt8] = [0xB9, 0x71, 0xB8, 0xDC, 0x2C, 0xA9, 0x6D, 0xA6, 0x57, 0x0D, 0x0A]
    let row: [UInt8] = [0x39, 0x2C, 0xB3, 0xAF, 0xA4, 0x6A, 0xA4, 0xE5]
    let read = try #require(SpreadsheetText(head + row))
    #expect(read.text == "電話,姓名\r\n9,陳大文" && read.encoding == .big5)
    #expect(SpreadsheetText([0x94, 0x55])?.text == "㗎" || SpreadsheetText([0xFC, 0xC8])?.text.isEmpty == false)
    #expect(SpreadsheetText([0x88, 0x62])?.text.unicodeScalars.map(\.value) == [0xCA, 0x304])
    #expect(SpreadsheetText([0x88, 0x66])?.text == "Ê", "though something could be added to it")
  }

  @Test("Big5 as Excel saves it is read by Windows' table, and by Hong Kong's where that has none")
  func windows() {
    let signs: [UInt8] = [0xA1, 0xFE, 0xA3, 0xE1, 0xA1, 0xE3, 0xA1, 0x45]
    #expect(SpreadsheetText(signs)?.text == "／€～‧")
    for (bytes, scalars) in [([0xC6, 0xE7], [0x3041]), ([0xFC, 0xC8], [0x24A23])] as [([UInt8], [UInt32])] {
      #expect(SpreadsheetText(bytes)?.text.unicodeScalars.map(\.value) == scalars, "no private character")
    }
  }

  @Test("What is none of them is not guessed at")
  func nothing() {
    #expect(SpreadsheetText([0x63, 0x61, 0x66, 0xE9, 0x2C, 0x31]) == nil, "Latin-1")
    #expect(SpreadsheetText([0xB9, 0x71, 0xB8]) == nil, "half a character")
    #expect(SpreadsheetText([0xFF, 0xFE, 0x00, 0xD8]) == nil, "half a pair")
  }
}
