import Foundation
import TestSupport
import Testing

@Suite("Bad input", .serialized)
struct BadInputTests {
  private struct Case: Sendable {
    var name: String
    var path = "/api/sms"
    var body: String
    var status = 400
    var code: String
    var field: String?
    var contentType = "application/json"
  }

  private let cases = [
    Case(name: "no JSON", body: "{", code: "INVALID_JSON"),
    Case(name: "wrong type", body: #"{"recipient":91234567,"content":"x"}"#, code: "INVALID_FIELD", field: "recipient"),
    Case(
      name: "unknown field", body: #"{"recipient":"+85291234567","content":"x","colour":1}"#, code: "INVALID_FIELD",
      field: "colour"),
    Case(name: "missing field", body: #"{"recipient":"+85291234567"}"#, code: "MISSING_FIELDS", field: "content"),
    Case(
      name: "empty list", path: "/api/sms/send-bulk", body: #"{"recipients":[],"content":"x"}"#,
      code: "INVALID_FIELD", field: "recipients"),
    Case(
      name: "10,001 recipients", path: "/api/sms/send-bulk",
      body: "{\"recipients\":[\(numbers(10_001).map { "\"\($0)\"" }.joined(separator: ","))],\"content\":\"x\"}",
      code: "INVALID_FIELD", field: "recipients"),
    Case(
      name: "3 MiB body",
      body: "{\"recipient\":\"+85291234567\",\"content\":\"\(String(repeating: "x", count: 3 << 20))\"}",
      status: 413, code: "PAYLOAD_TOO_LARGE"),
    Case(
      name: "bad number", body: #"{"recipient":"not a number","content":"x"}"#, code: "INVALID_RECIPIENTS",
      field: "recipient"),
    Case(
      name: "one bad number of three", path: "/api/sms/send-bulk",
      body: #"{"recipients":["+85291234567","12","+85291234568"],"content":"x"}"#, code: "INVALID_RECIPIENTS",
      field: "recipients[1]"),
    Case(
      name: "form", body: "recipient=1&content=x", status: 415, code: "UNSUPPORTED_MEDIA_TYPE",
      contentType: "application/x-www-form-urlencoded"),
    Case(
      name: "empty text", body: #"{"recipient":"+85291234567","content":""}"#, code: "INVALID_FIELD", field: "content"),
    Case(
      name: "same field twice", body: #"{"recipient":"+85291234567","content":"x","content":"y"}"#,
      code: "INVALID_FIELD", field: "content"),
  ]

  @Test("every kind gets its error and leaves nothing behind in broker or database")
  func nothingLeft() async throws {
    try await withStack { stack in
      for bad in cases {
        let answer = try await stack.gateway.request(
          "POST", bad.path, headers: [("Content-Type", bad.contentType)], body: Array(bad.body.utf8))
        #expect(answer.status == bad.status, "\(bad.name): \(answer.text.prefix(300))")
        #expect(answer.json.error.code.string == bad.code, "\(bad.name): \(answer.text.prefix(300))")
        #expect(answer.json.error.request_id.string == answer.headers["x-request-id"], "\(bad.name)")
        if let field = bad.field {
          let fields = answer.json.error.details.array.compactMap(\.field.string)
          #expect(fields.contains(field), "\(bad.name): \(fields)")
        }
      }
      let denied = try await stack.gateway.with(token: "wrong").post(
        "/api/sms", ["recipient": "+85291234567", "content": "x"])
      #expect(denied.status == 401)
      #expect(denied.json.error.code.string == "UNAUTHORIZED")

      // A good one goes through after them, and is the only one there ever was.
      let id = try await stack.send(to: numbers(1)[0])
      let message = try await stack.finalMessage(id, within: .seconds(20))
      #expect(message.job_status.string == "completed")
      let list = try await stack.gateway.get("/api/sms")
      #expect(list.json.data.messages.array.compactMap(\.id.string) == [id])
      let arrivals = try await stack.mock.arrivals()
      #expect(arrivals.count == 1)
    }
  }
}
