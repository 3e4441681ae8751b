import TestSupport
import Testing

/// The limit of 10 a second while the provider itself refuses, slows down and hangs.
@Suite(
  "10 a second at a provider that misbehaves", .serialized,
  .stack(.hkt(rate: 10, extra: ["timeout_ms: 2500", "retry: { base_s: 0.5 }"])))
struct MisbehavingProviderTests {
  private let hkt = ProviderUnderTest(name: "hkt", count: 10)

  @Test("a storm of 429, with and without Retry-After, costs nothing but time", arguments: [true, false])
  func storm(saysWhen: Bool) async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let refusal: JSONValue =
      saysWhen
      ? ["percent": 20, "kind": "retry_after", "retry_after_s": 1] : ["percent": 20, "kind": "status", "status": 429]
    try await stack.mock.behave("hkt", ["faults": [refusal]])
    try await story.sendBulk(Length.choose(40, long: 200))
    try await eventually(within: .seconds(60), "the rate is adapted") {
      let limits = try await stack.gateway.get("/api/sms/rate-limits")
      return (limits.json.data.providers.hkt.effective_rate.double ?? 99) <= 5
    }
    try await story.arrived(Length.choose(10, long: 30), within: .seconds(Length.choose(60, long: 300)))
    // The storm is over, and an admin does not wait until the rate has grown back.
    try await stack.mock.behave("hkt")
    let reset = try await stack.gateway.post("/api/sms/health/hkt/reset")
    #expect(reset.status == 200, "\(reset.text)")
    let ending = try await story.end(at: [hkt], within: .seconds(60))
    #expect(ending.count(of: "sent") == ending.accepted.count)
    #expect(ending.arrivals.contains { $0.wasRefused }, "the storm was one")
  }

  @Test("answers slow down to 2 s and recover")
  func latency() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await story.sendBulk(70)
    try await story.arrived(15)
    try await stack.mock.behave("hkt", ["latency_ms": 2000])
    try await story.arrived(40)
    try await stack.mock.behave("hkt")
    let ending = try await story.end(at: [hkt], within: .seconds(60))
    #expect(ending.count(of: "sent") == ending.accepted.count)
  }

  @Test("a provider that takes five and never answers: those are unconfirmed, the others go on")
  func hanging() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await story.sendBulk(40)
    try await story.arrived(10)
    try await stack.mock.behave("hkt", ["faults": [["percent": 100, "kind": "timeout", "times": 5]]])
    let ending = try await story.end(at: [hkt], within: .seconds(40), unconfirmed: 5)
    #expect(ending.count(of: "unconfirmed") == 5)
    #expect(ending.count(of: "sent") == 35)
  }
}
