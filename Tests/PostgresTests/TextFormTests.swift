import Foundation
import Testing

@testable import Postgres

@Suite struct TextFormTests {
  @Test("Arrays come back as they were written, whatever they hold")
  func arrays() throws {
    let values: [String?] = ["", nil, "NULL", "a\"b", #"c\d"#, "{x,y}", " 香港 🎈", "line\nbreak", ","]
    guard case .text(let literal) = values.postgresContent else {
      Issue.record("not text")
      return
    }
    #expect(try [String?](postgresText: Array(literal.utf8)[...]) == values)
  }

  @Test(
    "The server's own forms of arrays are read",
    arguments: [
      ("{}", []), ("{1,NULL,-3}", [1, nil, -3]), ("[2:3]={4,5}", [4, 5]), ("{NULL}", [nil]),
    ] as [(String, [Int?])])
  func serverArrays(literal: String, expected: [Int?]) throws {
    #expect(try [Int?](postgresText: Array(literal.utf8)[...]) == expected)
  }

  @Test("Broken and nested arrays are refused", arguments: ["", "1", "{", "{1", "{1,", "{{1}}", #"{"a"#, #"{"a\"#])
  func brokenArrays(literal: String) {
    #expect(throws: PostgresDecodingFailure.self) { try [String?](postgresText: Array(literal.utf8)[...]) }
  }

  @Test("Integers are read to the ends of their range and not beyond")
  func integers() throws {
    func read<Value: PostgresScalar>(_ text: String, as: Value.Type) throws -> Value {
      try Value(postgresScalar: Array(text.utf8)[...])
    }
    #expect(try read("-9223372036854775808", as: Int64.self) == .min)
    #expect(try read("9223372036854775807", as: Int64.self) == .max)
    #expect(try read("-32768", as: Int16.self) == .min)
    for text in ["9223372036854775808", "", "-", "1.5", "1e3", " 1", "0x1"] {
      #expect(throws: PostgresDecodingFailure.self) { try read(text, as: Int64.self) }
    }
    #expect(throws: PostgresDecodingFailure.self) { try read("32768", as: Int16.self) }
  }

  @Test(
    "Timestamps keep their microseconds",
    arguments: [
      (0, "1970-01-01 00:00:00.000000+00"), (1, "1970-01-01 00:00:00.000001+00"), (-1, "1969-12-31 23:59:59.999999+00"),
      (1_795_249_230_123_456, "2026-11-21 08:20:30.123456+00"), (951_782_400_000_000, "2000-02-29 00:00:00.000000+00"),
      (-62_135_596_800_000_001, "0001-12-31 23:59:59.999999+00 BC"),
      (253_402_300_800_000_000, "10000-01-01 00:00:00.000000+00"),
    ] as [(Int64, String)])
  func timestamps(microseconds: Int64, text: String) {
    #expect(TimestampText.text(microseconds: microseconds) == text)
    #expect(TimestampText.microseconds(Array(text.utf8)[...]) == microseconds)
  }

  @Test("Short fractions are read and other forms refused")
  func otherTimestamps() {
    func read(_ text: String) -> Int64? { TimestampText.microseconds(Array(text.utf8)[...]) }
    #expect(read("1970-01-01 00:00:00+00") == 0)
    #expect(read("1970-01-01 00:00:00.5+00") == 500_000)
    for text in ["infinity", "1970-01-01", "1970-01-01 00:00:00", "1970-01-01 00:00:00+08", "1970-01-01 00:00:00.+00"] {
      #expect(read(text) == nil)
    }
  }
}
