import Testing

@testable import APIGateway

@Suite("Bodies of actions that take none")
struct ActionBodyTests {
  private static let id = "0192aaaa-0000-7000-8000-000000000000"
  private static let routes =
    ["cancel", "pause", "resume", "retry-failed"].map { "/api/sms/\(id)/\($0)" }
    + ["pause", "resume", "cancel-all"].map { "/api/admin/users/\(id)/\($0)" }
    + [
      "/api/admin/sending/stop", "/api/admin/sending/go", "/api/sms/health/provider1/reset",
      "/api/sms/distribution-stats/reset", "/api/auth/logout",
    ]

  @Test("What they do not know is refused by name, and nothing is done", arguments: routes)
  func refused(_ path: String) async throws {
    try await GatewayFixture.run { gateway in
      gateway.answerCommands()
      func post(_ body: String, type: String = "application/json") async throws -> RawHTTP.Answer {
        try await gateway.http.request(
          "POST", path, token: GatewayFixture.adminToken, headers: ["Content-Type": type], body: body)
      }
      for body in ["{", "[]", "nothing", "\"\"", "{}{}"] {
        let answer = try await post(body)
        #expect(answer.status == 400, "\(body)")
        #expect(answer.string("error.code") == "INVALID_JSON", "\(body)")
      }
      let unknown = try await post(#"{"reason": "why not"}"#)
      #expect(unknown.status == 400)
      #expect(unknown.string("error.code") == "INVALID_FIELD")
      #expect(unknown.string("error.details.0.field") == "reason")
      #expect(unknown.string("error.details.0.code") == "unknown_field")
      let form = try await post("reason=none", type: "application/x-www-form-urlencoded")
      #expect(form.status == 415)
      let chunked = try await gateway.http.request(
        "POST", path, token: GatewayFixture.adminToken, headers: ["Transfer-Encoding": "chunked"],
        body: "1\r\n{\r\n0\r\n\r\n")
      #expect(chunked.string("error.code") == "INVALID_JSON")
      #expect(gateway.publisher.state.withLockedValue { $0.messages.isEmpty })
    }
  }

  @Test("No body and an empty object are fine, whatever they are said to be", arguments: routes)
  func empty(_ path: String) async throws {
    try await GatewayFixture.run { gateway in
      gateway.answerCommands()
      let types = ["", "application/json", "application/x-www-form-urlencoded", "text/plain"]
      for type in types {
        for body in [nil, "", "{}", " { } \n"] {
          let answer = try await gateway.http.request(
            "POST", path, token: GatewayFixture.adminToken, headers: ["Content-Type": type], body: body)
          // Without a database a message or another user is not found, and a named token does not log out.
          #expect([200, 202, 409, 503].contains(answer.status), "\(type) \(body ?? "-"): \(answer.body)")
        }
      }
      let chunked = try await gateway.http.request(
        "POST", path, token: GatewayFixture.adminToken,
        headers: ["Transfer-Encoding": "chunked", "Content-Type": "text/plain"], body: "0\r\n\r\n")
      #expect(chunked.status != 400 && chunked.status != 415)
    }
  }
}
