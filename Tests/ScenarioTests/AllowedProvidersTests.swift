import TestSupport
import Testing

/// A user who may use two of three providers, one of which fails now and then.
@Suite(
  "Allowed providers, through all services", .serialized,
  .stack(
    StackOptions(
      providers: StackOptions.jsonProviders(
        ["provider1", "provider2", "provider3"], rate: 50, extra: ["retry: { base_s: 0.2 }"]))))
struct AllowedProvidersTests {
  @Test("what a limited user sends never reaches another provider, not by a retry either, and others use all")
  func allowed() async throws {
    let stack = try SharedStack.current
    let made = try await stack.gateway.post(
      "/api/admin/users", ["username": "limited", "providers": ["provider1", "provider2"]])
    try #require(made.status == 201, "\(made.text)")
    let id = try #require(made.json.data.id.string)
    let token = try await stack.gateway.post("/api/admin/users/\(id)/tokens", ["name": "test"])
    let secret = try #require(token.json.data.token.string)
    let limited = stack.gateway.with(token: secret)
    try await stack.mock.behave("provider1", ["faults": [["percent": 30, "kind": "status", "status": 500]]])
    let recipients = JSONValue.array(numbers(120).map { .string($0) })
    let answer = try await limited.post("/api/sms/send-bulk", ["recipients": recipients, "content": "limited"])
    try #require(answer.status == 202, "\(answer.text)")
    let free = try await stack.sendBulk(to: numbers(120, from: 1_000), text: "free")
    let message = try await stack.finalMessage(try #require(answer.json.message_id.string), within: .seconds(60))
    _ = try await stack.finalMessage(free, within: .seconds(60))
    #expect(message.job_status.string == "completed")
    var used: [String: Set<String>] = [:]
    for provider in ["provider1", "provider2", "provider3"] {
      for arrival in try await stack.mock.arrivals(of: provider) { used[arrival.text, default: []].insert(provider) }
    }
    #expect(used["limited"] == ["provider1", "provider2"])
    #expect(used["free"] == ["provider1", "provider2", "provider3"])
    let refused = try await limited.post("/api/sms/provider3", ["phone": "91234567", "text": "x"])
    #expect(refused.status == 403)
  }
}
