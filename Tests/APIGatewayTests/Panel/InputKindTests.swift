import Testing

@testable import APIGateway

private let column = "choose it: no name of a column says which"

/// What spreadsheets, telephones and people write, through the panel's form and through the API: the numbers that were accepted
/// are those that somebody wrote, or there is a question.
@Suite("Inputs as they come")
struct InputKindTests {
  /// What became of a form.
  enum Expected: Sendable {
    /// Accepted, for these numbers.
    case sent([String])
    /// Nothing was accepted, and the page says this.
    case refused(String)
  }

  @Test(
    "Recipients in the panel's form",
    arguments: [
      ("staff no,name,mobile\n20231234,Amy,91234567", .sent(["+85291234567"])),
      ("Business Fax,Mobile Phone\n28881234,91234567", .sent(["+85291234567"])),
      ("staff no,name\n20231234,Amy", .refused(column)), ("20231234,Amy", .refused(column)),
      ("name,phone,phone\nAmy,91234567,91234568", .refused(column)), ("91234567\t20261121", .refused(column)),
      ("91234567\t20261121\n91234568\t20261122", .refused(column)),
      ("91234567; 91234568; 91234569;", .sent(["+85291234567", "+85291234568", "+85291234569"])),
      ("91234567, 91234568, ", .sent(["+85291234567", "+85291234568"])),
      ("91234567; odd; 91234569", .refused("Line 1: <code>odd</code> is not a phone number")),
      ("Amy,9123\u{A0}4567\nBob,91234568", .sent(["+85291234567", "+85291234568"])),
      ("９１２３４５６７、91234568", .sent(["+85291234567", "+85291234568"])),
      (
        "00853 6612 3456\n0086 138 0013 8000\n00852 9123 4567",
        .sent(["+85366123456", "+8613800138000", "+85291234567"])
      ),
      ("853 6612 3456\n1234 5678", .sent(["+85366123456", "+85212345678"])),
      ("91234567.0", .refused("is not a phone number")), ("1. 91234567", .refused("is not a phone number")),
      ("9123 4567 (2)", .refused("is not a phone number")), ("13800138000", .refused("is too long")),
      ("9123456", .refused("is too short")), ("+852 (0) 9123 4567", .refused("is too long")),
      ("001 65 9123 4567", .refused("may be of two countries")),
      ("name,mobile\nAmy,\nBob,91234567", .refused("Line 2: has no number")),
      ("sep=;\nname;mobile\nAmy;91234567\n;\n", .sent(["+85291234567"])), ("\"91234567", .refused("never closed")),
      (
        "9123\u{202F}4567\n9\u{FE0D}1234568\n9123\u{200D}4569", .sent(["+85291234567", "+85291234568", "+85291234569"])
      ),
    ] as [(String, Expected)])
  func panel(_ recipients: String, _ expected: Expected) async throws {
    try await GatewayFixture.run { gateway in
      let browser = gateway.browser()
      let page = try await browser.get("/compose")
      let answer = try await browser.submit("/compose", [("recipients", recipients), ("content", "Hi")], from: page)
      let numbers = try gateway.publisher.accepted().flatMap(\.body.recipients)
      switch expected {
      case .sent(let wanted):
        #expect(answer.status == 303, "\(answer.body)")
        #expect(numbers == wanted)
      case .refused(let words):
        #expect(answer.status == 400 && answer.body.contains(words), "\(answer.body)")
        #expect(answer.body.ranges(of: "id=\"problem\"").count == 1, "said once")
        #expect(answer.body.contains("Hi</textarea>") && numbers == [])
      }
    }
  }

  @Test("A column is chosen by its place, and what the text names is filled in from it")
  func chosen() async throws {
    try await GatewayFixture.run { gateway in
      let browser = gateway.browser()
      let page = try await browser.get("/compose")
      let table = [
        ("recipients", "name,phone,phone\nAmy,91234567,91234568\nBob,,91234569"), ("content", "Dear {{name}}"),
      ]
      let asked = try await browser.submit("/compose", table, from: page)
      #expect(asked.status == 400 && asked.body.contains("<option value=\"3\">3: phone</option>"), "\(asked.body)")
      #expect(asked.body.contains("<option value=\"\" selected>Choose …</option>"))
      let sent = try await browser.submit("/compose", table + [("column", "3")], from: page)
      #expect(sent.status == 303, "\(sent.body)")
      let facts = try gateway.publisher.accepted().map(\.body)
      #expect(Set(facts.map(\.content)) == ["Dear Amy", "Dear Bob"])
      #expect(Set(facts.flatMap(\.recipients)) == ["+85291234568", "+85291234569"])
    }
  }

  @Test("A number with two texts gets both; a landline is a warning by line and no refusal")
  func textsAndDoubts() async throws {
    try await GatewayFixture.run { gateway in
      let browser = gateway.browser()
      let page = try await browser.get("/compose")
      let table = [
        ("recipients", "mobile,child\n91234567,Ann\n91234567,Ben\n28881234,Cy"), ("content", "{{child}} is late"),
      ]
      let checked = try await browser.submit("/compose", table + [("action", "check")], from: page)
      #expect(checked.body.contains("1 number may not receive SMS:"), "\(checked.body)")
      #expect(checked.body.contains("Line 4: <code>28881234</code> is a landline"))
      #expect(try await browser.submit("/compose", table, from: page).status == 303)
      let sent = try gateway.publisher.accepted().map { "\($0.body.recipients[0]) \($0.body.content)" }.sorted()
      #expect(sent == ["+85228881234 Cy is late", "+85291234567 Ann is late", "+85291234567 Ben is late"])
    }
  }

  @Test("Send, Back and Send again is asked about; the same form again sends nothing twice")
  func again() async throws {
    try await GatewayFixture.run { gateway in
      let browser = gateway.browser()
      let form = [("recipients", "91234567\n91234568"), ("content", "Hi")]
      let page = try await browser.get("/compose")
      let first = try await browser.submit("/compose", form + [("key", "one")], from: page)
      #expect(first.status == 303, "\(first.body)")
      let back = try await browser.get("/compose")
      let turned = [("recipients", "9123 4568\n+85291234567"), ("content", "Hi"), ("key", "two")]
      let asked = try await browser.submit("/compose", turned, from: back)
      #expect(
        asked.status == 200 && asked.body.contains("You sent the same text to the same numbers at"), "\(asked.body)")
      let again = try #require(asked.body.firstMatch(of: /name="again" value="([0-9a-f]+)"/)).1
      #expect(try gateway.publisher.accepted().count == 1, "nothing went")
      let other = form.map { $0.0 == "content" ? ("content", "Bye") : $0 } + [("key", "three")]
      #expect(try await browser.submit("/compose", other, from: back).status == 303, "another text is not the same")
      let meant = try await browser.submit("/compose", turned + [("again", String(again))], from: back)
      #expect(meant.status == 303, "\(meant.body)")
      #expect(try gateway.publisher.accepted().count == 3)
    }
  }

  @Test(
    "A time that has passed, and what is no time, is said at its field, and the form keeps what was written",
    arguments: [
      ("20261-12-20T10:00", "must be a day and a time"), ("0261-12-02T10:00", "that time has passed"),
      ("12027-01-01T10:00", "must be a day and a time"), ("2020-01-01T10:00", "that time has passed"),
      ("tomorrow", "must be a day and a time"), ("2026-02-30T10:00", "must be a day and a time"),
    ])
  func times(_ time: String, _ words: String) async throws {
    try await GatewayFixture.run { gateway in
      let browser = gateway.browser()
      let form = [("recipients", "91234567"), ("content", "Hi"), ("enquiry_number", "288"), ("send_at", time)]
      let answer = try await browser.submit("/compose", form, from: try await browser.get("/compose"))
      #expect(answer.status == 400 && answer.body.contains(words), "\(answer.body)")
      #expect(answer.body.contains("must have 8 digits"), "all at once")
      #expect(answer.body.contains("value=\"\(time)\" aria-invalid=\"true\"") && answer.body.contains("<details open>"))
      #expect(
        answer.body.contains(
          "value=\"288\" aria-describedby=\"enquiry-hint problem-enquiry_number\" aria-invalid=\"true\""))
      #expect(try gateway.publisher.accepted().isEmpty)
    }
  }

  @Test(
    "An enquiry number is read as people write it",
    arguments: ["2888 1234", "28881234", "00852 2888 1234", "+852-2888-1234", "２８８８１２３４"])
  func enquiry(_ number: String) async throws {
    try await GatewayFixture.run { gateway in
      let browser = gateway.browser()
      let form = [("recipients", "91234567"), ("content", "Hi"), ("enquiry_number", number)]
      let answer = try await browser.submit("/compose", form, from: try await browser.get("/compose"))
      #expect(answer.status == 303, "\(answer.body)")
      #expect(try gateway.publisher.accepted().map(\.body.content) == ["Hi EN:28881234"])
    }
  }

  @Test("A file that is no text is said at its field, and the rest of the form is kept")
  func noText() async throws {
    try await GatewayFixture.run { gateway in
      let browser = gateway.browser()
      let page = try await browser.get("/compose")
      let answer = try await browser.upload(
        "/compose", [("recipients", "91234567"), ("content", "Hello there")],
        file: ("file", Array("PK\u{3}\u{4}".utf8) + [0xFF, 0x00, 0xFE]), from: page)
      #expect(answer.status == 400 && answer.body.contains("is no text in UTF-8, UTF-16 or Big5"), "\(answer.body)")
      #expect(answer.body.contains("Hello there</textarea>") && answer.body.contains("91234567</textarea>"))
      #expect(try gateway.publisher.accepted().isEmpty, "not to the numbers that the file was to replace")
    }
  }

  @Test("Characters that cannot be seen are named, and one button removes them")
  func invisible() async throws {
    try await GatewayFixture.run { gateway in
      let browser = gateway.browser()
      let page = try await browser.get("/compose")
      let form = [("recipients", "91234567"), ("content", "Hi\u{200B}")]
      let checked = try await browser.submit("/compose", form + [("action", "check")], from: page)
      #expect(checked.body.contains("<strong>U+200B ZERO WIDTH SPACE</strong>"), "\(checked.body)")
      let cleaned = try await browser.submit("/compose", form + [("action", "clean")], from: page)
      #expect(cleaned.status == 200 && cleaned.body.contains("\nHi</textarea>"), "\(cleaned.body)")
      #expect(try gateway.publisher.accepted().isEmpty)
    }
  }

  @Test(
    "The API warns of a landline, of a range that nobody has, and of a time that has passed",
    arguments: ["/api/sms/send-bulk", "/api/sms/estimate"])
  func warnings(_ path: String) async throws {
    try await GatewayFixture.run { gateway in
      let answer = try await gateway.post(
        path,
        #"{"recipients": ["91234567", "2888 1234", "1234 5678"], "content": "Hi", "send_at": "2020-01-01T08:00+08:00"}"#
      )
      #expect(answer.status < 300, "\(answer.body)")
      let warnings = answer.list("data.warnings") ?? []
      #expect(warnings.map { $0["code"]?.text } == ["in_the_past", "not_mobile", "not_assigned"])
      #expect(warnings.map { $0["phone"]?.text } == [nil, "+85228881234", "+85212345678"])
      #expect(warnings.map { $0["index"]?.whole } == [nil, 1, 2] && warnings[0]["field"]?.text == "send_at")
    }
  }

  @Test(
    "What the API does not read as a number or as a text it refuses",
    arguments: [
      ("9123456", "too_short"), ("912345678", "too_long"), ("91234567.0", "not_a_number"),
      ("001 65 9123 4567", "ambiguous"),
      ("1990-01-02", "not_a_number"),
    ])
  func refused(_ number: String, _ code: String) async throws {
    try await GatewayFixture.run { gateway in
      let answer = try await gateway.post("/api/sms", #"{"recipient": "\#(number)", "content": "Hi"}"#)
      #expect(answer.status == 400 && answer.body.contains("\"\(code)\""), "\(answer.body)")
      for text in [" ", "\\u200b", "\\n"] {
        let blank = try await gateway.post("/api/sms", #"{"recipient": "91234567", "content": "\#(text)"}"#)
        #expect(blank.status == 400 && blank.body.contains("\"empty\""), "\(blank.body)")
      }
      #expect(try gateway.publisher.accepted().isEmpty)
    }
  }
}

extension GatewayFixture {
  /// A browser in which the fixture's user is logged in; no database is needed for that.
  func browser() -> PanelBrowser {
    let token = "sluice_session_of_a_test"
    directory.withLockedValue {
      $0.add(
        TokenDirectory.Record(
          digest: TokenDigest(token: token), principal: user, expiresAt: nil, isUsable: true, kind: .session))
    }
    let browser = PanelBrowser(http)
    browser.keep(cookie: "sluice_session", token)
    return browser
  }
}
