import PhoneNumbers
import Recipients
import Testing

@Suite("Recipients as people paste them")
struct RecipientTableTests {
  private let parser = PhoneNumberParser(defaultRegion: "HK")

  private func table(_ text: String, column: RecipientTable.Column? = nil) throws -> RecipientTable {
    try RecipientTable(text, column: column, parser: parser)
  }

  private func numbers(_ text: String, column: RecipientTable.Column? = nil) throws -> [String] {
    try table(text, column: column).rows.map(\.number)
  }

  @Test("Numbers one per line, with blank lines, spaces and a heading, which is named")
  func lines() throws {
    #expect(try numbers("91234567\r\n\r\n  +852 9123 4568 \nabc") == ["91234567", "+852 9123 4568", "abc"])
    let titled = try table("Mobile\n91234567")
    #expect(titled.rows.map(\.number) == ["91234567"] && titled.heading == "Mobile")
    #expect(try numbers("") == [] && numbers("nobody") == ["nobody"], "one line alone is no heading")
    #expect(try table("91234567\n\n12").rows.map(\.line) == [1, 3], "lines are counted as they are shown")
    #expect(try numbers("-----\n91234567\n=====\n") == ["91234567"], "lines drawn between others")
  }

  @Test(
    "Numbers that are separated on one line are a list; empty entries are dropped and an odd one is an entry",
    arguments: [
      ("91234567, 91234568,91234569", ["91234567", "91234568", "91234569"]),
      ("91234567; 91234568; 91234569;", ["91234567", "91234568", "91234569"]),
      ("91234567, 91234568, ", ["91234567", "91234568"]), ("91234567;abc;;91234568", ["91234567", "abc", "91234568"]),
      ("91234567、91234568，91234569；", ["91234567", "91234568", "91234569"]), ("91234567,", ["91234567"]),
      ("91234567 91234568", ["91234567", "91234568"]), ("9123 4567 9123 4568", ["9123 4567 9123 4568"]),
      ("91234567,\n91234568,\n", ["91234567", "91234568"]),
      ("91234567、91234568\n91234569", ["91234567", "91234568", "91234569"]),
    ])
  func lists(text: String, expected: [String]) throws {
    #expect(try numbers(text) == expected)
  }

  @Test(
    "A column whose name speaks of telephones has the numbers, a mobile one before others and a landline last",
    arguments: [
      ("staff no,name,mobile\n20231234,Amy,91234567", 2), ("birthday,phone\n1990-01-02,91234567", 1),
      ("amount,Tel.\n123456.50,91234567", 1), ("Business Fax,Mobile Phone\n28881234,91234567", 1),
      ("Home Phone,Mobile Phone\n28881234,91234567", 1), ("home phone,name\n28881234,Amy", 0),
      ("職員編號,姓名,手提電話\n20231234,陳大文,91234567", 2), ("住宅電話,電話\n28881234,91234567", 1),
      ("Emergency contact phone,Phone\n91234567,91234568", 1), ("ｎｏ,ＭＯＢＩＬＥ\n20231234,91234567", 1),
      ("Guest list 2026,\nname,mobile\nAmy,91234567", 1), ("sep=;\nname;mobile\nAmy;91234567", 1),
      ("no,recipient\n20231234,91234567", 1), ("Mobile Phones;Name\n91234567;Amy", 0),
    ])
  func named(text: String, place: Int) throws {
    let table = try table(text)
    #expect(table.column == .place(place) && table.rows.count == 1, "\(table)")
  }

  @Test(
    "Without a name that says which, and with two that say the same, it is asked and nothing is read",
    arguments: [
      "staff no,name\n20231234,Amy", "name,phone,phone\nAmy,91234567,91234568", "a,b\n91234567,91234568",
      "91234567\t20261121\n91234568\t20261122", "20231234,Amy\n20231235,Bob", "91234567,91234568\n91234569",
      "fax,name\n28881234,Amy", "Amy,Bob\nCat,Dan",
    ])
  func asked(text: String) throws {
    let table = try table(text)
    #expect(table.needsColumn && table.rows.isEmpty && table.column == nil, "\(table)")
  }

  @Test("A column is chosen by its place, also one of two with the same name; all are every field")
  func chosen() throws {
    let text = "name,phone,phone\nAmy,91234567,91234568\nBob,,91234569"
    #expect(try numbers(text, column: .place(1)) == ["91234567", ""], "a row without a number is not lost silently")
    #expect(try numbers(text, column: .place(2)) == ["91234568", "91234569"])
    #expect(try table(text, column: .place(3)).needsColumn, "there is none")
    let pairs = "91234567,91234568\n91234569"
    #expect(try table(pairs).mayBeAll && numbers(pairs, column: .all) == ["91234567", "91234568", "91234569"])
  }

  @Test(
    "The only column with mobile numbers is it in a table without names, and its first row is none",
    arguments: [
      "Amy,91234567\nBob,91234568\n", "Amy,9123\u{A0}4567\nBob,91234568", "Amy,9123\u{2011}4567\nBob,91234568",
      "Amy,\u{202A}91234567\u{202C}\nBob,91234568", "Amy,９１２３４５６７\nBob,91234568", "Amy,'91234567\nBob,91234568",
      "\"Chan, Mr\",91234567\nBob,91234568\n", "Amy,91234567/91234560\nBob,91234568",
    ])
  func unnamed(text: String) throws {
    let table = try table(text)
    #expect(table.rows.count == 2 && table.column == .place(1) && table.heading == nil, "\(table)")
    #expect(table.columns == ["1", "2"])
  }

  @Test("Rows keep their fields and lines, and a quote that is never closed is named")
  func fields() throws {
    let sheet = try table("name\tmobile\toffice\nAmy\t91234567\t\nBob\t91234568\t28321234\n\t\t\n")
    #expect(sheet.columns == ["name", "mobile", "office"] && sheet.heading == "name, mobile, office")
    #expect(sheet.rows.map(\.fields) == [["Amy", "91234567", ""], ["Bob", "91234568", "28321234"]])
    #expect(throws: (any Error).self) { try table("\"91234567") }
  }

  @Test("More rows or columns than anybody may send to are refused before anything is made of them")
  func tooMuch() throws {
    let wide = String(repeating: ",", count: 200_000) + "\n" + String(repeating: "1\n", count: 10_000)
    #expect(throws: RecipientTable.TooMuch.self) { try table(wide) }
    let long = String(repeating: "91234567\n", count: 10_002)
    #expect(throws: RecipientTable.TooMuch.self) { try table(long) }
    #expect(throws: RecipientTable.TooMuch.self) { try table(String(repeating: "\n", count: 1_000_000)) }
    #expect(try table(String(repeating: "91234567\n", count: 10_000)).rows.count == 10_000)
  }

  @Test("A text names columns in double braces, and says when one is never closed")
  func personal() {
    let text = PersonalText("Dear {{ name }}, {{sum}} is due. {{name}}! {x} {{")
    #expect(text.columns == ["name", "sum"] && text.isOpen)
    #expect(text(["name": "Amy {{sum}}", "sum": "$10"]) == "Dear Amy {{sum}}, $10 is due. Amy {{sum}}! {x} {{")
    #expect(PersonalText("plain").columns == [] && !PersonalText("{{a}}").isOpen)
  }
}
