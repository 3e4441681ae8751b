import Foundation
import Testing

@testable import APIGateway

/// What is a tag or a quote to a browser is none in a page, whatever stands beside it.
extension GatewayIntegrationTests {
  @Suite("Text in pages", .serialized)
  struct HTMLTexts {
    /// Swift takes the first for one character, and the second together with the quote before it.
    private static let prepended = "\u{600}"
    private static let combining = "\u{301}"

    private static func contains(_ text: String, _ part: String) -> Bool {
      Data(text.utf8).range(of: Data(part.utf8)) != nil
    }

    @Test("Signs of HTML are escaped also where another sign is joined to them")
    func escaped() {
      let text = HTMLText().escapeText("\(Self.prepended)<b a=\"\(Self.combining)'\u{200D}>&\(Self.combining)")
      #expect(
        text
          == "\(Self.prepended)&lt;b a=&quot;\(Self.combining)&#39;\u{200D}&gt;&amp;\(Self.combining)")
    }

    @Test("No page has what somebody wrote as a tag or beyond its quotes: layouts, parts, lists and fields")
    func pages() async throws {
      try await GatewayStack.run { stack in
        let name = "kim<b>\"\(Self.combining)"
        let text = "\(Self.prepended)<i>\(Self.prepended)</i>\"\(Self.combining) x={{y}}"
        _ = try await stack.makeUser(
          "kim<b>\\\"\(Self.combining)", #", "password": "the password""#)
        let browser = PanelBrowser(stack.http)
        #expect(try await browser.logIn(name, "the password").status == 303)
        let form = try await browser.get("/compose")
        var pages = [form]
        pages.append(
          try await browser.submit(
            "/compose",
            [("recipients", "91234567\n\(text)"), ("content", text), ("reference", text), ("action", "check")],
            from: form))
        for path in ["/", "/history?reference=\(Self.encoded(text))", "/account"] {
          pages.append(try await browser.get(path))
        }
        let admin = PanelBrowser(stack.http)
        #expect(try await admin.logIn("root", "secret").status == 303)
        for path in ["/admin/users", "/admin/audit"] { pages.append(try await admin.get(path)) }
        for page in pages {
          #expect(page.body.utf8.count > 1_000, "\(page.status)")
          for part in ["\(Self.prepended)<", "\"\(Self.combining)"] {
            #expect(!Self.contains(page.body, part), "\(part) in \(page.body)")
          }
        }
        #expect(pages.count { Self.contains($0.body, "kim&lt;b&gt;&quot;\(Self.combining)") } >= 5)
        #expect(pages.count { Self.contains($0.body, "\(Self.prepended)&lt;i&gt;") } >= 2)
      }
    }

    @Test("A line of the list as CSV is one line of as many fields, and none of them a formula")
    func csv() {
      let line = MessageExport.line([
        "a\"\(Self.combining),=1", "=\(Self.combining)2", "+85291234567", "+\(Self.combining)3",
      ])
      let expected =
        "\"a\"\"\(Self.combining),=1\",'=\(Self.combining)2,+85291234567,'+\(Self.combining)3\r\n"
      #expect(Array(line.utf8) == Array(expected.utf8))
    }

    private static func encoded(_ text: String) -> String {
      text.utf8.map { String(format: "%%%02X", $0) }.joined()
    }
  }
}
