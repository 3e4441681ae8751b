import Testing

@testable import APIGateway

@Suite("The form of a user")
struct UserFormFieldsTests {
  /// What the API is asked to make of the providers of a user who has some now.
  private func providers(_ wanted: [String], was: [String], now: [String]) throws -> JSONValue? {
    let form = PanelForm(["has_providers": ["1"], "providers": wanted, "was_providers": was])
    let user = JSONValue.object([
      JSONMember(name: "providers", value: now.isEmpty ? .null : .array(now.map { .string($0) }))
    ])
    return try UserFormFields.changes(form, of: user).first { $0.0 == "providers" }?.1
  }

  private func list(_ names: String...) -> JSONValue { .array(names.map { .string($0) }) }

  @Test("Providers that another admin has added or taken away meanwhile stay so")
  func providers() throws {
    #expect(try providers(["a"], was: ["a", "b"], now: ["a", "b", "c"]) == list("a", "c"))
    #expect(try providers(["a", "c"], was: ["a"], now: ["b"]) == list("b", "c"))
    #expect(try providers(["a", "b"], was: ["a", "b"], now: ["c"]) == nil, "nothing was changed")
    #expect(try providers(["a"], was: [], now: []) == list("a"))
    #expect(try providers([], was: ["a"], now: ["a", "b"]) == .null, "all")
  }

  @Test("Where it cannot be told what is meant the field is named, for none stands for all")
  func unclear() {
    for (wanted, was, now) in [(["a"], ["a", "b"], ["b"]), (["a"], [], ["b"]), (["a"], ["a", "b"], [])] {
      #expect {
        try providers(wanted, was: was, now: now)
      } throws: {
        ($0 as? APIError)?.details.map(\.code) == ["changed_meanwhile"]
      }
    }
  }
}
