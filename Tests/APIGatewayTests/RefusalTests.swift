import NIOConcurrencyHelpers
import Testing

@testable import APIGateway

@Suite("Refusals")
struct RefusalTests {
  private static let valid = #"{"recipient": "91234567", "content": "Hi"}"#

  @Test("Without a token that works nobody gets in")
  func unauthorized() async throws {
    try await GatewayFixture.run { gateway in
      for (headers, challenge) in [
        ([:], "Bearer"), (["Authorization": "Basic abc"], "Bearer"),
        (["Authorization": "Bearer wrong"], #"Bearer error="invalid_token""#),
      ] {
        let answer = try await gateway.http.request("POST", "/api/sms", headers: headers, body: Self.valid)
        #expect(answer.status == 401)
        #expect(answer.string("error.code") == "UNAUTHORIZED")
        #expect(answer.headers["www-authenticate"] == challenge)
        #expect(answer.string("error.request_id") == answer.headers["x-request-id"])
      }
      gateway.directory.withLockedValue { $0 = TokenDirectory() }
      #expect(try await gateway.post("/api/sms", Self.valid).status == 503)
      #expect(try gateway.publisher.accepted().isEmpty)
    }
  }

  @Test(
    "Bodies that are wrong are refused with their code",
    arguments: [
      ("{", 400, "INVALID_JSON"), ("{}", 400, "MISSING_FIELDS"), (#"{"recipient": "91234567"}"#, 400, "MISSING_FIELDS"),
      (#"{"recipient": 5, "content": "Hi"}"#, 400, "INVALID_FIELD"),
      (#"{"recipient": "91234567", "content": "Hi", "reject_if_late": true}"#, 400, "INVALID_FIELD"),
      (#"{"recipient": "hello", "content": "Hi"}"#, 400, "INVALID_RECIPIENTS"),
      (#"{"recipient": "91234567", "content": ""}"#, 400, "INVALID_FIELD"),
      (String(repeating: "[", count: 100_000), 400, "INVALID_JSON"),
    ])
  func bodies(_ body: String, _ status: Int, _ code: String) async throws {
    try await GatewayFixture.run { gateway in
      let answer = try await gateway.post("/api/sms", body)
      #expect(answer.status == status)
      #expect(answer.string("error.code") == code)
      #expect(answer.list("error.details") != nil)
      #expect(try gateway.publisher.accepted().isEmpty)
    }
  }

  @Test("Other media types and compressed bodies are refused, not ignored")
  func headers() async throws {
    try await GatewayFixture.run { gateway in
      let form = try await gateway.post(
        "/api/sms", "a=b", headers: ["Content-Type": "application/x-www-form-urlencoded"])
      #expect(form.status == 415)
      #expect(form.string("error.code") == "UNSUPPORTED_MEDIA_TYPE")
      #expect(try await gateway.post("/api/sms", Self.valid, headers: ["Content-Encoding": "gzip"]).status == 415)
      #expect(try await gateway.post("/api/sms?class=urgent", Self.valid).string("error.details.0.field") == "class")
    }
  }

  @Test("A body over the limit is refused, announced or in chunks")
  func tooLarge() async throws {
    var settings = GatewaySettings()
    settings.bodyLimit = 1_000
    try await GatewayFixture.run(settings: settings) { gateway in
      let large = String(repeating: "a", count: 2_000)
      let announced = try await gateway.post("/api/sms", large)
      #expect(announced.status == 413)
      #expect(announced.string("error.code") == "PAYLOAD_TOO_LARGE")
      let chunk = "7d0\r\n\(large)\r\n"
      let chunked = try await gateway.post(
        "/api/sms", chunk + chunk + "0\r\n\r\n", headers: ["Transfer-Encoding": "chunked"])
      #expect(chunked.status == 413)
      let small = "2a\r\n\(Self.valid)\r\n0\r\n\r\n"
      #expect(try await gateway.post("/api/sms", small, headers: ["Transfer-Encoding": "chunked"]).status == 202)
    }
  }

  @Test("Unknown paths are 404 and unknown methods 405, with what is known")
  func routes() async throws {
    try await GatewayFixture.run { gateway in
      let none = try await gateway.http.request("GET", "/api/nothing", token: GatewayFixture.token)
      #expect(none.status == 404)
      #expect(none.string("error.code") == "NOT_FOUND")
      #expect(none.headers["x-request-id"]?.isEmpty == false)
      let method = try await gateway.http.request("PUT", "/api/sms", token: GatewayFixture.token, body: "{}")
      #expect(method.status == 405)
      #expect(method.string("error.code") == "METHOD_NOT_ALLOWED")
      #expect(method.headers["allow"] == "GET, HEAD, POST")
      #expect(try await gateway.http.request("DELETE", "/health").status == 405)
      for path in ["/health", "/api/sms/providers", "/api/sms/0192aaaa-0000-7000-8000-000000000000/recipients"] {
        let unheardOf = try await gateway.http.request("QUERY", path, token: GatewayFixture.token)
        #expect(unheardOf.status == 405)
        #expect(unheardOf.headers["allow"] == "GET, HEAD")
      }
      #expect(try await gateway.http.request("GET", "/api/sms/not-an-id", token: GatewayFixture.token).status == 404)
    }
  }

  @Test(
    "Queries are read as browsers write them, and what is none is refused by name",
    arguments: [
      // Without a database what is understood is a 503.
      ("phone=9123+4567", 503, nil), ("phone=%2B85291234567", 503, nil), ("phone=+85291234567", 503, nil),
      ("from=2026-11-21T08:15:30+08:00", 503, nil), ("reference=a%20b+c", 503, nil), ("reference=", 503, nil),
      ("reference=%00", 400, "reference"), ("reference=%ff", 400, "reference"),
      ("reference=a&reference=b", 400, "reference"),
      ("%ff=1", 400, ""), ("nothing=1", 400, "nothing"), ("from=yesterday", 400, "from"), ("phone=x", 400, "phone"),
    ] as [(String, Int, String?)])
  func queries(_ query: String, _ status: Int, _ field: String?) async throws {
    try await GatewayFixture.run { gateway in
      let answer = try await gateway.get("/api/sms?\(query)")
      #expect(answer.status == status)
      #expect(answer.string("error.details.0.field") == field)
    }
  }

  @Test("Without a database reads are 503, sending goes on, and health says so")
  func noDatabase() async throws {
    try await GatewayFixture.run { gateway in
      for path in ["/api/sms", "/api/queue/status", "/api/sms/0192aaaa-0000-7000-8000-000000000000"] {
        let answer = try await gateway.http.request("GET", path, token: GatewayFixture.token)
        #expect(answer.status == 503)
        #expect(answer.string("error.code") == "SERVICE_UNAVAILABLE")
        #expect(answer.headers["retry-after"] != nil)
      }
      #expect(try await gateway.post("/api/sms", Self.valid).status == 202)
      #expect(try await gateway.http.request("GET", "/health").string("status") == "healthy")
      #expect(try await gateway.http.request("GET", "/api/health/live").string("status") == "alive")
      #expect(try await gateway.http.request("GET", "/api/health/ready").string("status") == "ready")
      let health = try await gateway.http.request("GET", "/api/health")
      #expect(health.status == 503)
      #expect(health.bool("checks.database.healthy") == false)
      #expect(health.bool("checks.broker.healthy") == true)
      #expect(health.string("checks.memory.message")?.hasSuffix("MiB") == true)
      #expect(health.string("version") != nil)
    }
  }

  @Test("A gateway that cannot accept is not ready and says why")
  func notReady() async throws {
    try await GatewayFixture.run { gateway in
      gateway.publisher.state.withLockedValue { $0.isReady = false }
      let away = try await gateway.http.request("GET", "/api/health/ready")
      #expect(away.status == 503)
      #expect(away.string("reason") == "broker_unreachable")
      gateway.publisher.state.withLockedValue { $0.isBlocked = true }
      #expect(try await gateway.http.request("GET", "/api/health/ready").string("reason") == "broker_blocked")
    }
  }
}
