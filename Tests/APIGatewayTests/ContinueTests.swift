import Foundation
import Testing

@testable import APIGateway

@Suite("Callers who wait before they send a body")
struct ContinueTests {
  private static let body = #"{"recipient": "91234567", "content": "Hi"}"#
  private static let word = "HTTP/1.1 100 Continue\r\n\r\n"

  /// Short, so that a word that never comes fails soon.
  private static var settings: GatewaySettings {
    var settings = GatewaySettings()
    settings.bodySeconds = 2
    settings.bodyLimit = 1_000
    return settings
  }

  private static func head(
    _ path: String = "/api/sms", version: String = "1.1", token: String = GatewayFixture.token,
    length: String = "Content-Length: \(body.utf8.count)", _ more: String = "Connection: close\r\n"
  ) -> String {
    "POST \(path) HTTP/\(version)\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer \(token)\r\n"
      + "\(length)\r\nExpect: 100-continue\r\n\(more)\r\n"
  }

  @Test("They hear that it is wanted, and then the answer", arguments: ["/api/sms", "/api/auth/login"])
  func wanted(_ path: String) async throws {
    try await GatewayFixture.run(settings: Self.settings) { gateway in
      let said = try await gateway.http.converse([(nil, Self.head(path)), (Self.word, Self.body)])
      #expect(said.hasPrefix(Self.word + "HTTP/1.1 \(path == "/api/sms" ? 202 : 400) "), "\(said.prefix(80))")
    }
  }

  @Test("A body in chunks is asked for as well")
  func chunked() async throws {
    try await GatewayFixture.run(settings: Self.settings) { gateway in
      let head = Self.head(length: "Transfer-Encoding: chunked")
      let said = try await gateway.http.converse([(nil, head), (Self.word, "2a\r\n\(Self.body)\r\n0\r\n\r\n")])
      #expect(said.hasPrefix(Self.word + "HTTP/1.1 202 "), "\(said.prefix(80))")
    }
  }

  @Test("Who is refused by the head alone is not asked for a body")
  func unwanted() async throws {
    try await GatewayFixture.run(settings: Self.settings) { gateway in
      for (head, status) in [
        (Self.head(length: "Content-Length: 1001"), 413), (Self.head(token: "wrong"), 401),
        (Self.head("/api/nothing"), 404),
      ] {
        let said = try await gateway.http.converse([(nil, head)])
        #expect(said.hasPrefix("HTTP/1.1 \(status) "), "\(said.prefix(80))")
      }
    }
  }

  @Test("On one connection every request gets its own word, in order, whether or not it waits for it")
  func order() async throws {
    try await GatewayFixture.run(settings: Self.settings) { gateway in
      let kept = try await gateway.http.converse([
        (nil, Self.head("/api/sms", "")), (Self.word, Self.body), ("HTTP/1.1 202", Self.head()), (Self.word, Self.body),
      ])
      #expect(Self.statuses(kept) == [100, 202, 100, 202])
      let both = Self.head("/api/sms", "") + Self.body + Self.head() + Self.body
      let atOnce = try await gateway.http.converse([(nil, both)])
      #expect(Self.statuses(atOnce) == [100, 202, 100, 202])
      #expect(try gateway.publisher.accepted().count == 4)
    }
  }

  @Test("Callers of HTTP/1.0 get the answer alone")
  func old() async throws {
    try await GatewayFixture.run(settings: Self.settings) { gateway in
      let said = try await gateway.http.converse([(nil, Self.head(version: "1.0") + Self.body)])
      #expect(Self.statuses(said) == [202])
    }
  }

  /// Of all answers in a text.
  private static func statuses(_ text: String) -> [Int] {
    text.matches(of: /HTTP\/1\.[01] (\d{3})/).compactMap { Int($0.1) }
  }
}

extension RawHTTP {
  /// Says one thing after another, each when what it waits for has come since the last, and reads until the server closes.
  /// - Returns: Everything that the server said, up to where it fell silent for 20 s.
  func converse(_ turns: [(after: String?, say: String)]) async throws -> String {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread { continuation.resume(with: Result { try conversing(turns) }) }
    }
  }

  private func conversing(_ turns: [(after: String?, say: String)]) throws -> String {
    let descriptor = try connection()
    defer { close(descriptor) }
    var heard = ""
    var place = heard.startIndex
    var buffer = [UInt8](repeating: 0, count: 65_536)
    func hear() -> Bool {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { return false }
      let offset = heard.utf8.distance(from: heard.startIndex, to: place)
      heard += String(decoding: buffer[..<count], as: UTF8.self)
      place = heard.utf8.index(heard.startIndex, offsetBy: offset)
      return true
    }
    for turn in turns {
      if let after = turn.after {
        var found = heard[place...].range(of: after)
        while found == nil, hear() { found = heard[place...].range(of: after) }
        guard let found else { return heard }
        place = found.upperBound
      }
      Self.write(Array(turn.say.utf8), to: descriptor)
    }
    while hear() {}
    return heard
  }
}
