import Testing

@testable import APIGateway

@Suite("JSON reader")
struct JSONReaderTests {
  private func read(_ text: String) throws(JSONSyntaxError) -> JSONValue { try JSONReader.read(Array(text.utf8)) }

  private func reason(_ bytes: [UInt8]) -> JSONSyntaxError.Reason? {
    do {
      _ = try JSONReader.read(bytes)
      return nil
    } catch {
      return error.reason
    }
  }

  private func reason(_ text: String) -> JSONSyntaxError.Reason? { reason(Array(text.utf8)) }

  @Test("Every kind of value is read")
  func values() throws {
    #expect(
      try read(#" {"a": [1, -2.5e1, true, false, null, "x", {}, []]} "#)
        == .object([
          JSONMember(
            name: "a",
            value: .array([
              .number(1), .number(-25), .bool(true), .bool(false), .null, .string("x"), .object([]), .array([]),
            ]))
        ]))
  }

  @Test("Escapes and surrogate pairs become characters")
  func escapes() throws {
    #expect(try read(#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00中""#) == .string("a\"\\/\u{8}\u{c}\n\r\té😀中"))
  }

  @Test("Repeated members are kept for the caller to judge")
  func duplicates() throws {
    #expect(
      try read(#"{"a":1,"a":2}"#)
        == .object([JSONMember(name: "a", value: .number(1)), JSONMember(name: "a", value: .number(2))]))
  }

  @Test(
    "What is not JSON is refused with the reason",
    arguments: [
      ("", JSONSyntaxError.Reason.unexpectedEnd), ("{", .unexpectedEnd), ("{} x", .trailingData),
      ("{\"a\":1,}", .unexpectedByte), ("[1,]", .unexpectedByte), ("{a:1}", .unexpectedByte), ("'a'", .unexpectedByte),
      ("01", .invalidNumber), ("1.", .invalidNumber), ("1e", .invalidNumber), ("-", .invalidNumber),
      (".5", .unexpectedByte),
      ("1e999", .invalidNumber), ("NaN", .unexpectedByte), ("\"a\nb\"", .controlCharacter), ("\"\\x\"", .invalidEscape),
      ("\"\\ud800\"", .invalidEscape), ("\"\\ud800\\u0041\"", .invalidEscape), ("\"\\udc00\"", .invalidEscape),
      ("\"abc", .unexpectedEnd), ("\"\\u12", .unexpectedEnd), ("truth", .unexpectedByte), ("tru", .unexpectedEnd),
      ("\u{FEFF}{}", .unexpectedByte),
    ])
  func refused(_ text: String, _ expected: JSONSyntaxError.Reason) {
    #expect(reason(text) == expected)
  }

  @Test("Invalid UTF-8 is refused and the field that it is in is named")
  func encoding() {
    for bad: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE4, 0xB8]] {
      let bytes = Array(#"{"content": "a"#.utf8) + bad + Array("\"}".utf8)
      do {
        _ = try JSONReader.read(bytes)
        Issue.record("read \(bad)")
      } catch {
        #expect(error.reason == .invalidEncoding)
        #expect(error.field == "content")
      }
    }
  }

  @Test("Nesting far too deep is refused without exhausting the stack")
  func depth() {
    #expect(reason(String(repeating: "[", count: 1_000_000)) == .tooDeep)
    #expect(reason(String(repeating: #"{"a":"#, count: 300_000)) == .tooDeep)
    #expect(reason(String(repeating: "[", count: 32) + String(repeating: "]", count: 32)) == nil)
  }
}

@Suite("JSON writer")
struct JSONWriterTests {
  @Test("What is written reads back as the same values")
  func roundTrip() throws {
    let text = "a\"\\\n\t\u{1}\u{1f}\u{7f}é中😀/\u{2028}"
    let bytes = JSONWriter.object { json in
      json.member("text", text)
      json.member("none", nil as String?)
      json.member("number", 5)
      json.member("seconds", 50.5)
      json.member("infinite", Double.infinity)
      json.member("yes", true)
      json.array("list", ["a", "b"]) { json, item in json.element(item) }
      json.array("objects", [1, 2]) { json, item in json.element { json in json.member("n", item) } }
      json.object("inner") { _ in }
      json.null("last")
    }
    #expect(
      try JSONReader.read(bytes)
        == .object([
          JSONMember(name: "text", value: .string(text)), JSONMember(name: "none", value: .null),
          JSONMember(name: "number", value: .number(5)), JSONMember(name: "seconds", value: .number(50.5)),
          JSONMember(name: "infinite", value: .null), JSONMember(name: "yes", value: .bool(true)),
          JSONMember(name: "list", value: .array([.string("a"), .string("b")])),
          JSONMember(
            name: "objects",
            value: .array([
              .object([JSONMember(name: "n", value: .number(1))]), .object([JSONMember(name: "n", value: .number(2))]),
            ])),
          JSONMember(name: "inner", value: .object([])), JSONMember(name: "last", value: .null),
        ]))
  }
}
