import Foundation
import Testing

@testable import APIGateway

@Suite("What the panel says")
struct PanelTextTests {
  private let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Services/APIGateway")

  private func files(_ folder: String, _ suffix: String) throws -> [String] {
    let path = self.folder.appending(path: folder)
    return try FileManager.default.contentsOfDirectory(atPath: path.path).filter { $0.hasSuffix(suffix) }.map {
      try String(contentsOf: path.appending(path: $0), encoding: .utf8)
    }
  }

  @Test("Every language has every text, with the same values in it")
  func equalCatalogues() throws {
    let english = try PanelText(.english).strings
    let chinese = try PanelText(.traditionalChinese).strings
    #expect(Set(english.keys).symmetricDifference(chinese.keys).sorted() == [])
    for (name, text) in english {
      func values(_ text: String) -> Set<String> { Set(text.matches(of: /\{[a-z]+\}/).map { String($0.0) }) }
      #expect(values(text) == values(chinese[name] ?? ""), "\(name)")
      #expect(!text.isEmpty && chinese[name]?.isEmpty == false, "\(name)")
    }
  }

  @Test("Every text that a template names is there, and a template says nothing by itself")
  func templates() throws {
    let strings = try PanelText(.english).strings
    let templates = try files("Resources/Panel", ".mustache")
    #expect(templates.count > 4)
    for template in templates {
      for match in template.matches(of: /\{\{\{?t\.([A-Za-z_]+)\}?\}\}/) {
        #expect(strings[String(match.1)] != nil, "\(match.1)")
      }
      #expect(!template.contains("{{{"), "everything is escaped")
      let words = template.replacing(/<title>.*<\/title>/, with: "").replacing(/\{\{[^}]*\}\}/, with: "")
        .replacing(/<[^>]*>/, with: "").replacing("Sluice", with: "").matches(of: /[A-Za-z]{2,}/)
      #expect(words.map { String($0.0) } == [], "words that are in no catalogue")
    }
  }

  @Test("Every text is used somewhere")
  func used() throws {
    let source = try (files("Panel", ".swift") + files("Resources/Panel", ".mustache")).joined()
    // Of these the rest of the name is what the API says.
    let families = [
      "nav_", "problem_", "wrong_", "field_", "class_", "status_", "provider_", "waiting_", "done_", "outcome_",
      "audit_", "letter_", "error_", "column_", "letters_", "request_", "result_", "reason_", "age_", "doubt_",
    ]
    for name in try PanelText(.english).strings.keys {
      let plain = name.hasSuffix("_one") ? String(name.dropLast(4)) : name
      #expect(
        families.contains { name.hasPrefix($0) } || source.contains("t.\(plain)}}") || source.contains("\"\(plain)\""),
        "\(name)")
    }
  }

  @Test(
    "The language is the best of those a browser asks for",
    arguments: [
      ("", PanelLanguage.english), ("fr", .english), ("zh-HK,zh;q=0.9,en;q=0.8", .traditionalChinese),
      ("en-GB,zh-HK;q=0.9", .english), ("fr,zh-Hant;q=0.5,en;q=0.4", .traditionalChinese), ("en;q=x", .english),
    ])
  func negotiated(header: String, language: PanelLanguage) {
    #expect(PanelLanguage.preferred(header) == language)
  }

  @Test(
    "After a login only pages of ours come next",
    arguments: [
      ("/history?page=2", "/history?page=2"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil", "/"),
      ("/a b", "/"), ("", "/"),
    ])
  func nextPage(given: String, next: String) {
    #expect(PanelURL.local(given) == next)
  }

  @Test("Numbers are grouped by thousands")
  func grouping() {
    #expect(
      [0, 12, 999, 1_000, 1_234_567, -4_321].map(PanelText.grouped) == [
        "0", "12", "999", "1,000", "1,234,567", "-4,321",
      ])
  }
}
