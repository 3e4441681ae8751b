import Foundation
import NIOConcurrencyHelpers
import Testing

@testable import APIGateway

@Suite("The API's own protection")
struct ProtectionTests {
  private static let valid = #"{"recipient": "91234567", "content": "Hi"}"#

  @Test("Every answer says what is left, and beyond it one is refused with the time to wait")
  func rateLimit() async throws {
    var settings = GatewaySettings()
    settings.userRequestRate = 3
    try await GatewayFixture.run(settings: settings) { gateway in
      var answers: [RawHTTP.Answer] = []
      for _ in 0..<8 { answers.append(try await gateway.get("/api/sms/providers")) }
      #expect(answers[0].status == 200)
      #expect(answers[0].headers["ratelimit-policy"] == #""user";q=3;w=1, "all";q=500;w=1"#)
      #expect(answers[0].headers["ratelimit"]?.hasPrefix(#""user";r=2;t=1, "all";r="#) == true)
      let refused = try #require(answers.first { $0.status == 429 })
      #expect(refused.string("error.code") == "RATE_LIMITED")
      #expect(refused.string("error.details.0.code") == "user_rate")
      #expect(refused.headers["retry-after"] == "1")
      #expect(refused.headers["ratelimit"]?.contains(#""user";r=0"#) == true)
      // Errors count, and say so too.
      #expect(try await gateway.admin("GET", "/api/admin/providers/none").headers["ratelimit"] != nil)
    }
  }

  @Test("Who has no token takes nothing of what those who have one may ask")
  func strangers() async throws {
    var settings = GatewaySettings()
    settings.requestRate = 2
    try await GatewayFixture.run(settings: settings) { gateway in
      for _ in 0..<20 {
        let stranger = try await gateway.http.request("GET", "/api/sms", token: "wrong")
        #expect(stranger.status == 401)
        let anyone = try await gateway.http.request("GET", "/health")
        #expect(anyone.status == 200)
      }
      let known = try await gateway.post("/api/sms", Self.valid)
      #expect(known.status == 202)
    }
  }

  @Test("Every answer keeps browsers from guessing, framing and passing it on")
  func securityHeaders() async throws {
    var settings = GatewaySettings()
    settings.publicURL = "https://sms.example.org"
    try await GatewayFixture.run(settings: settings) { gateway in
      for path in ["/health", "/api/sms", "/api/nothing"] {
        let answer = try await gateway.http.request("GET", path)
        #expect(answer.headers["x-content-type-options"] == "nosniff")
        #expect(answer.headers["x-frame-options"] == "DENY")
        #expect(answer.headers["referrer-policy"] == "no-referrer")
        #expect(answer.headers["content-security-policy"]?.contains("default-src 'none'") == true)
        #expect(answer.headers["strict-transport-security"] == "max-age=31536000")
        #expect(answer.headers["cache-control"] == "no-store")
      }
    }
    try await GatewayFixture.run { gateway in
      let plain = try await gateway.http.request("GET", "/health")
      #expect(plain.headers["strict-transport-security"] == nil)
    }
  }

  @Test("Behind TLS the cookies of a login and of forms are this host's alone; plain HTTP keeps the plain names")
  func hostCookies() async throws {
    var settings = GatewaySettings()
    settings.publicURL = "https://sms.example.org"
    try await GatewayFixture.run(settings: settings) { gateway in
      let visitor = try await gateway.http.request("GET", "/login").headers["set-cookie"] ?? ""
      #expect(visitor.hasPrefix("__Host-sluice_visitor=") && visitor.contains("; Path=/;"))
      #expect(visitor.contains("; Secure") && !visitor.contains("Domain"))
      let browser = gateway.browser()
      let old = try await browser.get("/compose")
      #expect(old.status == 303 && old.headers["location"]?.hasPrefix("/login") == true, "the old cookie is nobody's")
      browser.keep(cookie: "__Host-sluice_session", browser.cookies["sluice_session"] ?? "")
      let page = try await browser.get("/compose")
      #expect(page.status == 200)
      let sent = try await browser.submit("/compose", [("recipients", "91234567"), ("content", "Hi")], from: page)
      #expect(sent.status == 303 && sent.headers["set-cookie"]?.hasPrefix("__Host-sluice_sent=") == true)
      let language = try await browser.get("/language/en").headers["set-cookie"] ?? ""
      #expect(language.hasPrefix("sluice_language=en;"), "no secret")
    }
    try await GatewayFixture.run { gateway in
      let visitor = try await gateway.http.request("GET", "/login").headers["set-cookie"] ?? ""
      #expect(visitor.hasPrefix("sluice_visitor=") && !visitor.contains("Secure"))
    }
  }

  @Test("Other origins' pages are let in only where that is set, and never with credentials")
  func crossOrigin() async throws {
    let asks = [
      "Origin": "https://app.example.org", "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "authorization,content-type",
    ]
    try await GatewayFixture.run { gateway in
      let preflight = try await gateway.http.request("OPTIONS", "/api/sms", headers: asks)
      #expect(preflight.status == 405)
      #expect(preflight.headers["access-control-allow-origin"] == nil)
    }
    var settings = GatewaySettings()
    settings.corsOrigins = ["https://app.example.org"]
    try await GatewayFixture.run(settings: settings) { gateway in
      let preflight = try await gateway.http.request("OPTIONS", "/api/sms", headers: asks)
      #expect(preflight.status == 204)
      #expect(preflight.headers["access-control-allow-origin"] == "https://app.example.org")
      #expect(preflight.headers["access-control-allow-methods"]?.contains("POST") == true)
      #expect(preflight.headers["access-control-allow-headers"]?.contains("Idempotency-Key") == true)
      #expect(preflight.headers["access-control-allow-credentials"] == nil)
      // An error is for that page's eyes too.
      let error = try await gateway.http.request("GET", "/api/sms", headers: ["Origin": "https://app.example.org"])
      #expect(error.status == 401)
      #expect(error.headers["access-control-allow-origin"] == "https://app.example.org")
      #expect(error.headers["access-control-expose-headers"]?.contains("X-Request-ID") == true)
      let other = try await gateway.http.request("GET", "/api/sms", headers: ["Origin": "https://evil.example.org"])
      #expect(other.headers["access-control-allow-origin"] == nil)
      #expect(other.headers["vary"] == "Origin")
      let page = try await gateway.http.request("OPTIONS", "/health", headers: asks)
      #expect(page.headers["access-control-allow-origin"] == nil)
    }
  }

  @Test("Callers who dawdle are cut off: over the head, over the body, and over a body that nobody wants")
  func slowCallers() async throws {
    var settings = GatewaySettings()
    settings.idleSeconds = 1
    settings.bodySeconds = 1
    try await GatewayFixture.run(settings: settings) { gateway in
      let post =
        "POST /api/sms HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer ann-token\r\n"
      for start in [
        "GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        post + "Content-Length: 10000\r\n\r\n{",
        "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n{",
        "GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n{",
      ] {
        let lasted = try await gateway.http.trickle(start)
        #expect(lasted < .seconds(8), "\(start.prefix(12))… stayed for \(lasted)")
      }
    }
  }

  @Test("Whoever does not read their answers is cut off, and makes room for others")
  func slowReader() async throws {
    var settings = GatewaySettings()
    settings.idleSeconds = 1
    settings.connections = 1
    try await GatewayFixture.run(settings: settings) { gateway in
      let descriptor = try gateway.http.connection(receiveBuffer: 4_096)
      defer { close(descriptor) }
      // More than the kernel takes for somebody who does not read.
      let request = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
      RawHTTP.write(Array(String(repeating: request, count: 400).utf8), to: descriptor)
      // There is one connection, so this waits until the other is gone; at most 20 s.
      let other = try await gateway.http.request("GET", "/health")
      #expect(other.status == 200)
    }
  }

  @Test("Behind the last answer of a connection nothing is carried out")
  func behindTheLast() async throws {
    try await GatewayFixture.run { gateway in
      let head = "Host: x\r\nContent-Type: application/json\r\nAuthorization: Bearer ann-token\r\n"
      let unwanted = "POST /api/nothing HTTP/1.1\r\n\(head)Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
      let hidden = "POST /api/sms HTTP/1.1\r\n\(head)Content-Length: \(Self.valid.utf8.count)\r\n\r\n\(Self.valid)"
      let answer = try await gateway.http.send(Array((unwanted + hidden).utf8))
      #expect(answer.status == 404)
      #expect(answer.headers["connection"] == "close")
      #expect(!answer.body.contains("HTTP/1.1 202"))
      #expect(try gateway.publisher.accepted().isEmpty)
    }
  }

  @Test("A body that is finished after its token has ended is not taken")
  func heldBack() async throws {
    try await GatewayFixture.run { gateway in
      let head =
        "POST /api/sms HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
        + "Authorization: Bearer ann-token\r\nContent-Length: \(Self.valid.utf8.count)\r\n\r\n"
      let status = try await gateway.http.interrupted(head + Self.valid.dropLast(), String(Self.valid.suffix(1))) {
        gateway.directory.withLockedValue { $0.remove(TokenDigest(token: GatewayFixture.token)) }
      }
      #expect(status == 401)
      #expect(try gateway.publisher.accepted().isEmpty)
    }
  }

  @Test("Origins and the public address are checked when they are set")
  func settings() {
    for (name, bad) in [
      ("SLUICE_CORS_ORIGINS", "app.example.org"), ("SLUICE_CORS_ORIGINS", "https://a.example/path"),
      ("SLUICE_PUBLIC_URL", "sms.example.org"), ("SLUICE_PUBLIC_URL", "*"), ("SLUICE_API_RATE", "0"),
    ] {
      #expect(throws: (any Error).self) { try GatewaySettings.load(.init(environment: [name: bad])) }
    }
    let good = try? GatewaySettings.load(
      .init(environment: [
        "SLUICE_CORS_ORIGINS": "https://a.example, http://localhost:3000",
        "SLUICE_PUBLIC_URL": "https://sms.example.org/",
      ]))
    #expect(good?.corsOrigins == ["https://a.example", "http://localhost:3000"])
    #expect(good?.publicURL == "https://sms.example.org")
  }
}

extension RawHTTP {
  /// Sends a beginning, does something when the server has had time to see it, and sends the end.
  /// - Returns: The answer's status.
  func interrupted(_ start: String, _ end: String, _ between: @escaping @Sendable () -> Void) async throws -> Int {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(
          with: Result {
            let descriptor = try connection()
            defer { close(descriptor) }
            Self.write(Array(start.utf8), to: descriptor)
            // Nothing tells when the head was let in; too early a removal would be a 401 as well.
            usleep(300_000)
            between()
            Self.write(Array(end.utf8), to: descriptor)
            var buffer = [UInt8](repeating: 0, count: 4_096)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
            return text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
          })
      }
    }
  }

  /// Sends a beginning and then a byte every 200 ms, for at most 20 s.
  /// - Returns: How long the server put up with it.
  func trickle(_ start: String) async throws -> Duration {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread { continuation.resume(with: Result { try trickling(start) }) }
    }
  }

  private func trickling(_ start: String) throws -> Duration {
    let descriptor = try connection()
    defer { close(descriptor) }
    let began = ContinuousClock.now
    Self.write(Array(start.utf8), to: descriptor)
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while .now - began < .seconds(20) {
      var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      // The time between two bytes is what the server is tested with.
      if Foundation.poll(&poll, 1, 200) > 0, recv(descriptor, &buffer, buffer.count, 0) <= 0 { break }
      Self.write([UInt8(ascii: "a")], to: descriptor)
    }
    return .now - began
  }
}
