import Foundation
import TestSupport
import Testing

@Suite("PostgreSQL away", .serialized, .stack(.hkt(rate: 20)))
struct DatabaseOutageTests {
  @Test("every active token's POST is a 202 meanwhile, a fresh gateway is not ready, and all arrives once afterwards")
  func stopped() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let users = try await stack.makeUsers((0..<50).map { "away-\($0)" })
    try await stack.kill(.postgresql)
    // The gateway notices by itself.
    let cached = try await users[0].gateway.get("/api/sms")
    #expect(cached.status == 503, "\(cached.text)")
    // Twice each: a 202 is required of every one.
    _ = try await (users + users).concurrentMap(width: 10) { user in try await story.send(as: user) }
    #expect(try await stack.gateway.get("/api/health/ready").status == 200)

    let port = try freePort()
    _ = try await stack.startReplica(
      of: .gateway, instance: "api-gateway@fresh", environment: ["SLUICE_HTTP_PORT": String(port)])
    let fresh = JSONClient(base: "http://127.0.0.1:\(port)")
    try await eventually(within: .seconds(15), "the fresh gateway says why it is not ready") {
      // It may not listen yet: then there is no answer.
      guard let answer = try? await fresh.get("/api/health/ready") else { return false }
      return answer.status == 503 && answer.json.reason.string == "tokens_not_loaded"
    }
    let unknown = try await fresh.with(token: stack.token).get("/api/sms")
    #expect(unknown.status == 503, "who asks is not known: \(unknown.text)")
    // What was accepted is not in the gateway.
    try await stack.kill(.gateway)

    try await stack.up()
    try await eventually(within: .seconds(20), "the fresh gateway is ready") {
      try await fresh.get("/api/health/ready").status == 200
    }
    _ = try await story.end(at: [ProviderUnderTest(name: "hkt", count: 20)], within: .seconds(60))
    for user in users { try await expectShown(user, to: stack.gateway) }
  }

  /// Both SMS of a user in every list, to them and to an admin.
  private func expectShown(_ user: StackUser, to admin: JSONClient) async throws {
    let list = try await user.gateway.get("/api/sms?status=sent&q=story")
    #expect(list.json.data.total.int == 2, "\(list.text)")
    let requests = try await user.gateway.get("/api/sms/requests?status=sent&provider=hkt")
    #expect(requests.json.data.requests.array.count == 2, "\(requests.text)")
    let first = try #require(requests.json.data.requests.array.first)
    let id = try #require(first.message_id.string)
    let one = try await user.gateway.get("/api/sms/requests/\(id)")
    #expect(one.json.data.id.string == first.id.string)
    let responses = one.json.data.responses.array
    #expect(responses.last?.outcome.string == "accepted", "\(one.text)")
    #expect(responses.last?.status_code.int == 200 && responses.last?.provider.string == "hkt")
    let all = try await admin.get("/api/admin/messages?user_id=\(user.id)&status=sent")
    #expect(all.json.data.messages.array.map(\.username.string) == [user.name, user.name], "\(all.text)")
  }

  /// A port that nobody listened on a moment ago.
  private func freePort() throws -> Int {
    let server = try RawServer(accepts: false) { _ in }
    defer { server.stop() }
    return server.port
  }
}
