import Contracts
import Foundation
import Testing

@testable import APIGateway

@Suite("The list as CSV")
struct MessageExportTests {
  private static let cookie = "sluice_session_of_a_test"

  /// A user who is logged in and has sent so many long messages.
  private func run(
    _ count: Int, settings: GatewaySettings = GatewaySettings(), _ body: @Sendable (GatewayFixture) async throws -> Void
  ) async throws {
    try await ReadTables.run(settings: settings) { gateway in
      gateway.directory.withLockedValue {
        $0.add(
          TokenDirectory.Record(
            digest: TokenDigest(token: Self.cookie), principal: gateway.user, expiresAt: nil, isUsable: true,
            kind: .session))
      }
      try await ReadTables.insertMany(
        count, user: gateway.user.userID, from: .now() + .seconds(-40_000), into: gateway.pool)
      try await gateway.pool.query("UPDATE projection.messages_read SET content = content || repeat('x', 1500)")
      try await body(gateway)
    }
  }

  @Test("All of it comes, page after page, each message once")
  func whole() async throws {
    try await run(450) { gateway in
      let answer = try await gateway.http.request(
        "GET", "/history.csv", headers: ["Cookie": "sluice_session=\(Self.cookie)"])
      #expect(answer.status == 200 && answer.headers["content-type"] == "text/csv; charset=utf-8")
      let numbers = answer.body.matches(of: /Message number (\d+)\./).compactMap { Int($0.1) }
      #expect(numbers == (0..<450).reversed())
    }
  }

  @Test("Whoever does not read it is cut off, and makes room for others")
  func unread() async throws {
    var settings = GatewaySettings()
    settings.idleSeconds = 1
    settings.connections = 1
    try await run(8_000, settings: settings) { gateway in
      let descriptor = try gateway.http.connection(receiveBuffer: 4_096)
      defer { close(descriptor) }
      let request = "GET /history.csv HTTP/1.1\r\nHost: x\r\nCookie: sluice_session=\(Self.cookie)\r\n\r\n"
      RawHTTP.write(Array(request.utf8), to: descriptor)
      // There is one connection, so this waits until the other is gone; at most 20 s.
      let other = try await gateway.http.request("GET", "/health")
      #expect(other.status == 200)
    }
  }
}
