import Foundation
import Testing

@testable import APIGateway

@Suite("Requests that are not HTTP")
struct MalformedRequestTests {
  private static let host = "Host: x\r\n"
  private static let long = String(repeating: "a", count: 17_000)

  @Test(
    "They are refused in the envelope, with an id, and the connection ends",
    arguments: [
      ("FOO /health HTTP/1.1\r\n\(host)\r\n", 400, "BAD_REQUEST"),
      ("GET /\(long) HTTP/1.1\r\n\(host)\r\n", 431, "HEAD_TOO_LARGE"),
      ("GET /health HTTP/1.1\r\n\(host)X-Long: \(long)\r\n\r\n", 431, "HEAD_TOO_LARGE"),
      (
        "GET /health HTTP/1.1\r\n\(host)" + String(repeating: "X-A: b\r\n", count: 101) + "\r\n", 431,
        "HEAD_TOO_LARGE"
      ),
      ("POST /api/sms HTTP/1.1\r\n\(host)Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, "BAD_REQUEST"),
      (
        "POST /api/sms HTTP/1.1\r\n\(host)Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
        "BAD_REQUEST"
      ),
      ("GET /health HTTP/9.9\r\n\(host)\r\n", 400, "BAD_REQUEST"),
      ("\u{16}\u{03}\u{01} is no request\r\n\r\n", 400, "BAD_REQUEST"),
    ])
  func refused(_ request: String, _ status: Int, _ code: String) async throws {
    var settings = GatewaySettings()
    settings.publicURL = "https://sms.example.org"
    try await GatewayFixture.run(settings: settings) { gateway in
      let answer = try await gateway.http.send(Array(request.utf8))
      #expect(answer.status == status)
      #expect(answer.string("error.code") == code)
      #expect(answer.string("error.message")?.isEmpty == false)
      #expect(answer.list("error.details") != nil)
      #expect(answer.headers["x-request-id"]?.isEmpty == false)
      #expect(answer.string("error.request_id") == answer.headers["x-request-id"])
      #expect(answer.headers["content-type"] == "application/json; charset=utf-8")
      #expect(answer.headers["content-length"] == "\(answer.body.utf8.count)")
      #expect(answer.headers["connection"] == "close")
      #expect(answer.headers["x-content-type-options"] == "nosniff")
      #expect(answer.headers["strict-transport-security"] != nil)
    }
  }

  @Test("What is wrong with a body is said under the id of its request, after the answers before it")
  func behindAnother() async throws {
    try await GatewayFixture.run { gateway in
      let first = "GET /health HTTP/1.1\r\n\(Self.host)X-Request-ID: first\r\n\r\n"
      let broken =
        "POST /api/sms HTTP/1.1\r\n\(Self.host)X-Request-ID: second\r\nContent-Type: application/json\r\n"
        + "Authorization: Bearer \(GatewayFixture.token)\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n"
      let answer = try await gateway.http.send(Array((first + broken).utf8))
      #expect(answer.status == 200)
      #expect(answer.headers["x-request-id"] == "first")
      let second = try #require(answer.body.range(of: "HTTP/1.1 400"))
      let rest = answer.body[second.lowerBound...].lowercased()
      #expect(rest.contains("x-request-id: second\r\n"))
      #expect(rest.contains(#""request_id":"second""#))
      #expect(try gateway.publisher.accepted().isEmpty)
    }
  }

  @Test("HTTP/1.1 names its host, once; HTTP/1.0 need not")
  func hosts() async throws {
    try await GatewayFixture.run { gateway in
      for host in ["", "Host: a\r\nHost: b\r\n"] {
        let request = "GET /health HTTP/1.1\r\n\(host)X-Request-ID: mine\r\n\r\n"
        let answer = try await gateway.http.send(Array((request + request).utf8))
        #expect(answer.status == 400)
        #expect(answer.string("error.code") == "BAD_REQUEST")
        #expect(answer.string("error.request_id") == "mine")
        #expect(!answer.body.contains("HTTP/1.1 200"), "nothing behind it is answered")
      }
      let old = try await gateway.http.send(Array("GET /health HTTP/1.0\r\nConnection: close\r\n\r\n".utf8))
      #expect(old.status == 200)
    }
  }
}
