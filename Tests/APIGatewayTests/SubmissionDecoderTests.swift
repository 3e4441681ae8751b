import Testing

@testable import APIGateway

@Suite("Submission bodies")
struct SubmissionDecoderTests {
  private func error(_ text: String, _ form: SubmissionForm = .single) -> APIError? {
    do {
      _ = try SubmissionDecoder.decode(Array(text.utf8), as: form)
      return nil
    } catch {
      return error as? APIError
    }
  }

  private func fields(_ error: APIError?) -> [String] { error?.details.map { "\($0.field): \($0.code)" } ?? [] }

  @Test(
    "Both predecessors' names work", arguments: [("phone", "text"), ("recipient", "content"), ("phone", "content")])
  func names(_ recipient: String, _ content: String) throws {
    let draft = try SubmissionDecoder.decode(
      Array(#"{"\#(recipient)": "91234567", "\#(content)": "Hi", "class": "urgent", "reference": null}"#.utf8),
      as: .single)
    #expect(draft.recipients == ["91234567"])
    #expect(draft.content == "Hi")
    #expect(draft.messageClass == .urgent)
    #expect(draft.reference == nil)
  }

  @Test("A list of recipients keeps its order")
  func bulk() throws {
    let draft = try SubmissionDecoder.decode(
      Array(#"{"recipients": ["2", "1", "2"], "content": "Hi", "on_invalid": "skip", "reference": "r"}"#.utf8),
      as: .bulk)
    #expect(draft.recipients == ["2", "1", "2"])
    #expect(draft.onInvalid == .skip)
    #expect(draft.reference == "r")
  }

  @Test("What is missing is named, and null counts as missing")
  func missing() {
    #expect(error("{}")?.code == .missingFields)
    #expect(fields(error("{}")) == ["recipient: missing", "content: missing"])
    #expect(fields(error(#"{"phone": null, "text": "a"}"#)) == ["recipient: missing"])
    #expect(fields(error(#"{"content": "a"}"#, .bulk)) == ["recipients: missing"])
  }

  @Test("Unknown fields, wrong types and repeats are named, all at once")
  func invalid() {
    let found = error(#"{"phone": 1, "text": ["a"], "class": "fast", "bogus": 1, "phone": "2"}"#)
    #expect(found?.code == .invalidField)
    #expect(
      Set(fields(found)) == [
        "phone: wrong_type", "text: wrong_type", "class: not_allowed", "bogus: unknown_field", "phone: duplicate",
      ])
    #expect(
      fields(error(#"{"recipients": ["1", 2, null], "content": "a"}"#, .bulk))
        == ["recipients[1]: wrong_type", "recipients[2]: wrong_type"])
    #expect(fields(error(#"{"recipients": "1", "content": "a"}"#, .bulk)) == ["recipients: wrong_type"])
    #expect(fields(error(#"{"phone": "1", "recipient": "2", "text": "a"}"#)) == ["phone: conflict"])
    #expect(
      fields(error(#"{"recipients": ["1"], "content": "a"}"#)) == ["recipient: missing", "recipients: unknown_field"])
  }

  @Test("What is no JSON object is INVALID_JSON", arguments: ["", "[]", "1", "\"a\"", "{\"phone\": \"1\"", "null"])
  func notAnObject(_ text: String) {
    #expect(error(text)?.code == .invalidJSON)
  }
}
