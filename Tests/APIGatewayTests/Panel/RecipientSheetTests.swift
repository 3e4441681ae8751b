import Testing

@testable import APIGateway

@Suite("Recipients as people paste them")
struct RecipientSheetTests {
  private func numbers(_ text: String, column: String? = nil) throws -> [String] {
    try RecipientSheet(text, column: column).rows.map(\.number)
  }

  @Test("Numbers one per line, with blank lines, spaces and a heading")
  func lines() throws {
    #expect(try numbers("91234567\r\n\r\n  +852 9123 4568 \nabc") == ["91234567", "+852 9123 4568", "abc"])
    #expect(try numbers("Mobile\n91234567") == ["91234567"])
    #expect(try numbers("") == [])
    #expect(try RecipientSheet("91234567\n\n12").rows.map(\.line) == [1, 3], "lines are counted as they are shown")
  }

  @Test("Numbers separated by commas are a list")
  func commas() throws {
    #expect(try numbers("91234567, 91234568,91234569") == ["91234567", "91234568", "91234569"])
  }

  @Test("A table with names of columns: the column with numbers is found, or the one that was chosen")
  func table() throws {
    let text = "name\tmobile\toffice\nAmy\t91234567\t\nBob\t91234568\t28321234\n\t\t\n"
    let sheet = try RecipientSheet(text)
    #expect(sheet.columns == ["name", "mobile", "office"] && sheet.numberColumn == 1)
    #expect(sheet.rows.map(\.number) == ["91234567", "91234568"])
    #expect(sheet.rows[1].values == ["name": "Bob", "mobile": "91234568", "office": "28321234"])
    #expect(try numbers(text, column: "office") == ["", "28321234"], "a row without a number is not lost silently")
  }

  @Test("A table without names counts its columns, and quotes hold commas")
  func unnamed() throws {
    let sheet = try RecipientSheet("\"Chan, Mr\",91234567\nBob,91234568\n")
    #expect(sheet.columns == ["1", "2"] && sheet.rows.map(\.number) == ["91234567", "91234568"])
    #expect(sheet.rows[0].values["1"] == "Chan, Mr")
    #expect(throws: (any Error).self) { try RecipientSheet("\"91234567") }
  }

  @Test("Two columns of numbers without names are a table, in which one column is meant")
  func twoNumbers() throws {
    #expect(try numbers("91234567\t20261121\n91234568\t20261122") == ["91234567", "91234568"])
    #expect(try numbers("91234567\t20261121\n91234568\t20261122", column: "2") == ["20261121", "20261122"])
  }

  @Test("More rows or columns than anybody may send to are refused before anything is made of them")
  func tooMuch() throws {
    let wide = String(repeating: ",", count: 200_000) + "\n" + String(repeating: "1\n", count: 10_000)
    #expect(throws: RecipientSheet.TooMuch.self) { try RecipientSheet(wide) }
    let long = String(repeating: "91234567\n", count: 10_002)
    #expect(throws: RecipientSheet.TooMuch.self) { try RecipientSheet(long) }
    #expect(throws: RecipientSheet.TooMuch.self) { try RecipientSheet(String(repeating: "\n", count: 1_000_000)) }
    #expect(try RecipientSheet(String(repeating: "91234567\n", count: 10_000)).rows.count == 10_000)
    let kept = try RecipientSheet("name,mobile,x\nAmy,91234567,1", keeping: ["name"]).rows.map(\.values)
    #expect(kept == [["name": "Amy"]])
  }

  @Test("A text names columns in double braces")
  func personal() {
    let text = PersonalText("Dear {{ name }}, {{sum}} is due. {{name}}! {x} {{")
    #expect(text.columns == ["name", "sum"])
    #expect(text(["name": "Amy {{sum}}", "sum": "$10"]) == "Dear Amy {{sum}}, $10 is due. Amy {{sum}}! {x} {{")
    #expect(PersonalText("plain").columns == [])
  }

  @Test("A form with a file is read part by part, and what is no such form is refused")
  func multipart() throws {
    let body = Array(
      """
      --x1\r\nContent-Disposition: form-data; name="content"\r\n\r\nHi\r\nthere --x1\r\n\
      --x1\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n9123\r\n--x1--\r\n
      """.utf8)
    let read = try #require(Multipart(body, type: "multipart/form-data; boundary=x1"))
    #expect(read.parts.map(\.name) == ["content", "file"] && read.parts.map(\.filename) == [nil, "a.csv"])
    #expect(read.parts.map { String(decoding: $0.bytes, as: UTF8.self) } == ["Hi\r\nthere --x1", "9123"])
    #expect(Multipart(body, type: "multipart/form-data; boundary=other") == nil)
    #expect(Multipart(body, type: "multipart/form-data") == nil)
    for length in 0..<(body.count - 6) {
      #expect(Multipart(Array(body[..<length]), type: "multipart/form-data; boundary=x1") == nil, "cut at \(length)")
    }
  }

  @Test("A table that is saved holds no formula")
  func export() {
    #expect(
      MessageExport.line(["=1+1", "+85291234567", "a,\"b\"", "x\ny", "-2"])
        == "'=1+1,+85291234567,\"a,\"\"b\"\"\",\"x\ny\",'-2\r\n")
  }

  @Test("Times are read and written where the reader is")
  func clock() throws {
    let clock = PanelClock(calendar: LocalCalendar(zone: try #require(.init(identifier: "Asia/Hong_Kong"))))
    let time = try #require(clock.time(local: "2026-11-21T14:30"))
    #expect(time.description == "2026-11-21T06:30:00.000Z" && clock.time(time).text == "2026-11-21 14:30:00")
    #expect(clock.end(of: "2026-11-21")?.description == "2026-11-21T15:59:59.999Z")
    #expect(clock.start(of: "2026-11-21T06:30:00.000Z") == time, "a moment is one, wherever the reader is")
    for text in ["2026-11-21 2pm", "2026-11-21 14:3O", "2026-02-30 10:00", "2026-11-21T14:30:xx"] {
      #expect(clock.time(local: text) == nil && clock.start(of: text) == nil, "\(text)")
    }
    #expect(clock.zone == "HKT" && clock.time(local: "tomorrow") == nil)
  }
}
