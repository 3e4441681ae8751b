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
    #expect(file.empty == [4])
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
