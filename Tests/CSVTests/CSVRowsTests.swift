import CSV
import TestSupport
import Testing

@Suite("CSV")
struct CSVRowsTests {
  private func rows(_ text: String, separator: Unicode.Scalar? = nil) throws -> [CSVRows.Row] {
    try CSVRows(text, separator: separator).rows
  }

  @Test("Rows know the line they begin on, also behind fields of several lines and blank lines")
  func lines() throws {
    let found = try rows("name,number\r\n\"Ann\nLee\",91234567\r\n\r\nBob,98765432")
    #expect(
      found == [
        .init(line: 1, fields: ["name", "number"]), .init(line: 2, fields: ["Ann\nLee", "91234567"]),
        .init(line: 5, fields: ["Bob", "98765432"]),
      ])
  }

  @Test(
    "Quotes hold separators and quotes",
    arguments: [("\"a,b\",c", ["a,b", "c"]), ("\"a\"\"b\"", ["a\"b"]), ("\"\",x", ["", "x"])])
  func quotes(_ text: String, _ fields: [String]) throws {
    let found = try rows(text)
    #expect(found.map(\.fields) == [fields])
  }

  @Test(
    "The separator is the one that the first line has most of",
    arguments: [("a;b,c;d", 3), ("a\tb", 2), ("a,b", 2), ("a", 1)])
  func separators(_ text: String, _ count: Int) throws {
    let found = try rows(text)
    #expect(found.first?.fields.count == count)
  }

  @Test("Only CR, LF or both end a row", arguments: ["\u{2028}", "\u{2029}", "\u{85}", "\u{0B}", "\u{0C}"])
  func rowEnds(_ other: String) throws {
    let ended = try rows("a\rb\nc\r\nd")
    #expect(ended.map(\.line) == [1, 2, 3, 4])
    let found = try rows("a\(other)b,c\n\"d\(other)e\",f\n")
    #expect(
      found == [.init(line: 1, fields: ["a\(other)b", "c"]), .init(line: 2, fields: ["d\(other)e", "f"])])
  }

  @Test("A byte order mark is no part of the first name, and an open quote names its line")
  func edges() throws {
    let found = try rows("\u{FEFF}number\n1\n")
    #expect(found.map(\.fields) == [["number"], ["1"]])
    #expect(throws: CSVRows.OpenQuote(line: 2)) { try rows("a\n\"b\nc") }
    let none = try rows("")
    #expect(none.isEmpty)
  }

  @Test("What is written is what is read, whatever is in it")
  func roundTrip() throws {
    var random = SeededGenerator(seed: 7)
    let alphabet: [Character] = ["a", "9", ",", "\"", "\n", " ", "你", ";", "\t", "\r\n"]
    for _ in 0..<500 {
      let table = (0..<Int.random(in: 1...5, using: &random)).map { _ in
        (0..<3).map { _ in
          String((0..<Int.random(in: 1...4, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" })
        }
      }
      let text = table.map { row in
        row.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",")
      }.joined(separator: "\n")
      let found = try rows(text, separator: ",")
      #expect(found.map(\.fields) == table)
    }
  }

  @Test("A separator, a quote and an end of line with a combining mark behind it is one still")
  func combining() throws {
    let mark = "\u{301}"
    #expect(
      try rows("a,\(mark)b\n\"c\"\(mark),d", separator: ",").map(\.fields) == [["a", "\(mark)b"], ["c\(mark)", "d"]])
    #expect(try rows("a;b\r\n\"c\r\nd\";e\rf").map(\.line) == [1, 2, 4])
  }
}
