import TestSupport
import Testing

private let slowAndFast =
  StackOptions.jsonProviders(["slow"], rate: 2, extra: ["timeout_ms: 1500"])
  + StackOptions.jsonProviders(["fast"], extra: ["timeout_ms: 3000"])
  .split(separator: "\n").dropFirst(2).joined(separator: "\n") + "\n"

/// A provider that takes every request and answers none: few are in doubt, and the other provider notices nothing.
@Suite("A provider that hangs", .serialized, .stack(StackOptions(providers: slowAndFast)))
struct HangingProviderTests {
  private let slow = ProviderUnderTest(name: "slow", count: 2)
  private let fast = ProviderUnderTest(name: "fast", count: 50)

  private func state(_ provider: String, _ stack: Stack) async throws -> String? {
    try await stack.gateway.get("/api/sms/health/\(provider)").json.data.state.string
  }

  @Test("at 2 a second at most 20 are unconfirmed, at 50 at most 150; the rest waits and goes")
  func hang() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await story.sendBulk(100, options: ["provider": "fast"])
    try await story.sendBulk(6, options: ["provider": "slow"])
    try await story.arrived(106)
    for provider in ["slow", "fast"] {
      try await stack.mock.behave(provider, ["faults": [["percent": 100, "kind": "timeout"]]])
    }
    try await story.sendBulk(600, options: ["provider": "fast"])
    try await story.sendBulk(30, options: ["provider": "slow"])
    try await eventually(within: .seconds(40), "both are found unhealthy") {
      try await ["slow", "fast"].asyncMap { try await state($0, stack) }.allSatisfy { $0 == "unhealthy" }
    }
    // For how long a provider hangs makes little difference.
    try await story.pass(Length.choose(.seconds(2), long: .seconds(120)))
    for provider in ["slow", "fast"] { try await stack.mock.behave(provider) }
    let ending = try await story.end(
      at: [slow, fast], within: .seconds(Length.choose(60, long: 400)), unconfirmed: 170)
    let doubtful = ending.arrivals.filter { ending.states["+\($0.number)"] == "unconfirmed" }
    let (few, more) = (doubtful.count { $0.provider == "slow" }, doubtful.count { $0.provider == "fast" })
    #expect(few <= 20 && few >= 1, "at 2 a second")
    #expect(more <= 150 && more >= 1, "at 50 a second")
    #expect(ending.count(of: "sent") == 736 - few - more)
  }
}
