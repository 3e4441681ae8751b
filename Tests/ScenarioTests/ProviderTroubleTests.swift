import Foundation
import TestSupport
import Testing

/// One of three providers in trouble: the others take its share, and it comes back.
@Suite(
  "Providers in trouble", .serialized,
  .stack(
    StackOptions(
      providers: StackOptions.jsonProviders(
        ["provider1", "provider2", "provider3"], rate: 20,
        extra: ["health: { window_s: 20, min_samples: 10, cooldown_s: 4 }", "retry: { base_s: 0.2 }"]))))
struct ProviderTroubleTests {
  private let providers = (1...3).map { ProviderUnderTest(name: "provider\($0)", count: 20) }

  private func state(_ provider: String, _ stack: Stack) async throws -> String? {
    let answer = try await stack.gateway.get("/api/sms/health/\(provider)")
    try #require(answer.status == 200, "\(answer.text)")
    return answer.json.data.state.string
  }

  @Test("a provider that fails everything gets nothing but probes, the others take its share, and it comes back")
  func health() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await stack.mock.behave("provider1", ["faults": [["percent": 100, "kind": "status", "status": 500]]])
    try await story.sendBulk(400)
    try await eventually(within: .seconds(20), "provider1 is found unhealthy") {
      try await state("provider1", stack) == "unhealthy"
    }
    try await story.pass(.seconds(1))
    let failed = try await stack.mock.arrivals(of: "provider1").count
    try await story.pass(.seconds(2))
    #expect(try await stack.mock.arrivals(of: "provider1").count <= failed + 1, "nothing but a probe")
    try await stack.mock.behave("provider1")
    try await eventually(within: .seconds(30), "it is probed and comes back") {
      try await state("provider1", stack) == "healthy"
    }
    try await story.sendBulk(240)
    let ending = try await story.end(at: providers, within: .seconds(60))
    #expect(ending.count(of: "sent") == 640, "those that it failed went by the others")
    let after = ending.arrivals.suffix(90).count { $0.provider == "provider1" }
    #expect(after >= 25, "its share again: \(after) of 90")
  }

  @Test("three refusals of our credentials pause a provider and fail no SMS, until an admin resumes it")
  func credentials() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    for provider in providers {
      try await stack.mock.behave(provider.name, ["faults": [["percent": 100, "kind": "status", "status": 401]]])
    }
    try await story.sendBulk(30)
    try await eventually(within: .seconds(20), "all are paused") {
      try await providers.asyncMap { try await state($0.name, stack) }.allSatisfy { $0 == "paused" }
    }
    // What was outstanding still goes, and is refused as well.
    try await story.pass(.seconds(2))
    for provider in providers { try await stack.mock.behave(provider.name) }
    let sent = try await providers.asyncMap { try await stack.mock.arrivals(of: $0.name).count }.reduce(0, +)
    try await story.pass(.seconds(2))
    let later = try await providers.asyncMap { try await stack.mock.arrivals(of: $0.name).count }.reduce(0, +)
    #expect(later == sent, "paused")
    for provider in providers {
      let answer = try await stack.gateway.patch("/api/admin/providers/\(provider.name)", ["paused": false])
      #expect(answer.status == 200, "\(answer.text)")
    }
    let ending = try await story.end(at: providers, within: .seconds(20))
    #expect(ending.count(of: "sent") == 30)
    for provider in providers {
      _ = try await stack.gateway.patch("/api/admin/providers/\(provider.name)", ["paused": .null])
    }
  }

  @Test("a number that is always throttled stops nobody")
  func badNumber() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let bad = try await story.send()
    for provider in providers {
      try await stack.mock.behave(
        provider.name, ["faults": [["suffix": .string(String(bad.suffix(6))), "kind": "status", "status": 429]]])
    }
    let good = try await story.sendBulk(150).numbers
    try await eventually(within: .seconds(40), "all others are sent") {
      try await story.states(of: good).values.allSatisfy { $0 == "sent" }
    }
    for provider in providers { try await stack.mock.behave(provider.name) }
    for provider in providers { _ = try await stack.gateway.post("/api/sms/health/\(provider.name)/reset") }
    _ = try await story.end(at: providers, within: .seconds(60))
  }

  @Test("what is pinned to a paused provider waits for it and holds nobody up")
  func pinned() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    _ = try await stack.gateway.patch("/api/admin/providers/provider2", ["paused": true])
    let accepted = try await story.sendBulk(10, options: ["provider": "provider2"])
    let id = accepted.id.description
    let pinned = accepted.numbers
    let free = try await story.sendBulk(40).numbers
    try await eventually(within: .seconds(20), "the others are sent") {
      try await story.states(of: free).values.count { $0 == "sent" } == 40
    }
    #expect(try await stack.message(id).waiting_for.string == "provider_paused")
    _ = try await stack.gateway.patch("/api/admin/providers/provider2", ["paused": .null])
    let ending = try await story.end(at: providers, within: .seconds(20))
    let mine = Set(pinned)
    #expect(ending.arrivals.filter { mine.contains("+\($0.number)") }.allSatisfy { $0.provider == "provider2" })
    #expect(ending.count(of: "sent") == 50)
  }
}
