import Testing

@testable import APIGateway

@Suite("Request ids")
struct RequestIDTests {
  @Test("A caller's id is kept when it is harmless", arguments: ["a", "A-b_c.9", String(repeating: "x", count: 128)])
  func kept(_ id: String) {
    #expect(RequestID.chosen(from: id) == id)
  }

  @Test("Any other is replaced", arguments: [nil, "", "a b", "é", "a\nb", "a/b", String(repeating: "x", count: 129)])
  func replaced(_ id: String?) {
    let chosen = RequestID.chosen(from: id)
    #expect(chosen != id)
    #expect(chosen.utf8.count == 36)
  }

  @Test("A trace parent is handed on only when it is well-formed")
  func traceparent() {
    let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    #expect(TraceParent.valid(valid) == valid)
    for bad in [nil, "", "00", valid.uppercased(), valid + "0", valid.replacing("-", with: "_")] {
      #expect(TraceParent.valid(bad) == nil)
    }
  }

  @Test("JSON in UTF-8 is taken under its several names and nothing else is")
  func mediaTypes() {
    for type in [
      "application/json", "Application/JSON; charset=UTF-8", "application/vnd.api+json",
      "application/json;charset=\"utf-8\"",
    ] {
      #expect(MediaType.is(.json, type))
    }
    for type in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "", "json"] {
      #expect(!MediaType.is(.json, type))
    }
  }
}
