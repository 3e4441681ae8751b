import ArgumentParser
import Foundation
import Testing

@testable import CommandLineClient

@Suite("Number files")
struct NumberFileTests {
  @Test("A column of a usual name is found, and every number keeps its line")
  func named() throws {
    let file = try NumberFile("name,Mobile\nAnn,9123 4567\n\nBob,\nCarl,98765432\n", column: nil)
    #expect(file.entries == [.init(line: 2, number: "9123 4567"), .init(line: 5, number: "98765432")])
    #expect(file.rejected == [.init(line: 4, number: "", reason: "no number")])
  }

  @Test("Plain numbers need no row of names")
  func plain() throws {
    let file = try NumberFile("91234567\n+85298765432\n", column: nil)
    #expect(file.entries.map(\.line) == [1, 2])
  }

  @Test("A column is given by its name or by its place", arguments: ["b", "B", "2"])
  func chosen(_ column: String) throws {
    let file = try NumberFile("a;b\n1;91234567\n", column: column)
    #expect(file.entries == [.init(line: 2, number: "91234567")])
  }

  @Test("Whether the first row is names, the chosen column alone says")
  func names() throws {
    let named = try NumberFile("mobile no,2026\n91234567,yes\n", column: "1")
    #expect(named.entries == [.init(line: 2, number: "91234567")])
    let plain = try NumberFile("Ann,91234567\nBob,98765432\n", column: "2")
    #expect(plain.entries.map(\.line) == [1, 2])
  }

  @Test(
    "What the panel reads the command reads, and what the panel asks about the command refuses",
    arguments: [
      ("staff no,name,mobile\n20231234,Amy,91234567", ["91234567"]), ("staff no,name\n20231234,Amy", nil),
      ("Business Fax,Mobile Phone\n28881234,91234567", ["91234567"]), ("name,phone,phone\nAmy,91234567,91234568", nil),
      ("91234567\t20261121\n91234568\t20261122", nil), ("91234567; 91234568;", ["91234567", "91234568"]),
      ("Amy,9123\u{A0}4567\nBob,91234568", ["9123\u{A0}4567", "91234568"]), ("20231234,Amy", nil),
      ("sep=;\nname;手提\nAmy;91234567", ["91234567"]), ("91234567\n12", ["91234567", "12"]),
    ] as [(String, [String]?)])
  func kinds(_ text: String, _ numbers: [String]?) throws {
    guard let numbers else {
      #expect { try NumberFile(text, column: nil) } throws: { error in
        (error as? ValidationError)?.message.contains("which column holds the numbers?") == true
      }
      return
    }
    #expect(try NumberFile(text, column: nil).entries.map(\.number) == numbers)
  }

  @Test("A text that names columns is filled in row by row; a blank is a rejected row, an unknown name an error")
  func personal() throws {
    let table = "name,mobile,name2\nAmy,91234567,x\n,91234568,x\nBob,91234569,x"
    let file = try NumberFile(table, column: nil, message: "Dear {{name}}")
    #expect(file.entries.map(\.text) == ["Dear Amy", "Dear Bob"])
    #expect(file.rejected == [.init(line: 3, number: "91234568", reason: "{{name}} is empty")])
    #expect(throws: ValidationError.self) { try NumberFile(table, column: nil, message: "{{sum}}") }
    let twice = "name,phone,phone\nAmy,91234567,91234568"
    #expect(throws: ValidationError.self) { try NumberFile(twice, column: "phone") }
    #expect(try NumberFile(twice, column: "3").entries.map(\.number) == ["91234568"])
    #expect(throws: (any Error).self) { try SendCommand.parse(["91234567", "--text", "Dear {{name}}"]) }
    #expect(throws: (any Error).self) { try SendCommand.parse(["91234567", "--text", " \u{200B}"]) }
  }

  @Test("What a terminal would obey is written as an escape")
  func escapes() {
    #expect(Console.shown("a\u{1B}[31m\rb\u{202E}\u{9B}\n你") == "a\\u{1B}[31m\\u{D}b\\u{202E}\\u{9B}\n你")
    #expect(Console.shown("a\nb", linesAsWell: true) == "a\\u{A}b")
  }

  @Test("A file that is no Unicode is read as Big5 only when that is said, and the error names the option")
  func encoding() throws {
    func text(_ bytes: [UInt8], _ encoding: OldEncoding?) throws -> String {
      try SendCommand.text(Data(bytes), of: "a.csv", encoding: encoding)
    }
    let western = Array("Fran".utf8) + [0xE7, 0x6F] + Array("is".utf8)
    #expect { try text(western, nil) } throws: {
      ($0 as? ValidationError)?.message.contains("--encoding big5") == true
    }
    #expect(try text([0xB3, 0xAF, 0xA4, 0x6A], .big5) == "陳大")
    #expect(try text(Array("陳大".utf8), nil) == "陳大" && text(Array("陳大".utf8), .big5) == "陳大")
    #expect(throws: ValidationError.self) { try text([0xFF, 0x31], .big5) }
    #expect(throws: (any Error).self) { try SendCommand.parse(["91234567", "--text", "Hi", "--encoding", "big5"]) }
  }

  @Test(
    "What cannot be a table of numbers is refused",
    arguments: [("", nil), ("a,b\n1,2", nil), ("a,b\n", "c"), ("\"a", nil)])
  func refused(_ text: String, _ column: String?) {
    #expect(throws: ValidationError.self) { try NumberFile(text, column: column) }
  }
}
