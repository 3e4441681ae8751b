import TestSupport
import Testing

/// Two providers of 2 and of 50 a second: what the fast one carries holds nobody up at the slow one, counted there.
@Suite(
  "Providers of different speed", .serialized,
  .stack(
    StackOptions(
      providers: """
        global: { rate: 200 }
        providers:
          - name: slow
            adapter: json
            url: "${SLUICE_MOCK_URL}/api/sms/slow"
            rate: 2
          - name: fast
            adapter: json
            url: "${SLUICE_MOCK_URL}/api/sms/fast"
            rate: 50

        """)))
struct ProviderSpeedsTests {
  private let providers = [ProviderUnderTest(name: "slow", count: 2), ProviderUnderTest(name: "fast", count: 50)]

  @Test("an urgent SMS pinned to the slow one is among the next there, whatever urgent load the fast one carries")
  func urgent() async throws {
    let stack = try SharedStack.current
    let users = try await stack.makeUsers(["backlog", "load", "caller"])
    let story = try await Story.begin(on: stack)
    let backlog = try await story.sendBulk(300, as: users[0], class: .normal, options: ["provider": "slow"])
    let load = try await story.sendBulk(1_500, as: users[1], class: .urgent, options: ["provider": "fast"])
    try await story.arrived(300)
    let urgent = try await story.sendBulk(1, as: users[2], class: .urgent, options: ["provider": "slow"])
    let position = try #require(urgent.answer.data.queue_position.int)
    #expect(position <= 2, "told with the 202")
    try await expectSoon(urgent.numbers[0], stack)
    try await cancel([backlog, load], stack)
    _ = try await story.end(at: providers, within: .seconds(20))
  }

  @Test("fail-over: who comes to the slow one when the fast one is away waits for nobody's backlog")
  func failOver() async throws {
    let stack = try SharedStack.current
    let users = try await stack.makeUsers(["campaign", "busy", "single"])
    let story = try await Story.begin(on: stack)
    let campaign = try await story.sendBulk(200, as: users[0], class: .normal, options: ["provider": "slow"])
    let busy = try await story.sendBulk(1_000, as: users[1], class: .normal)
    try await story.arrived(300)
    _ = try await stack.gateway.patch("/api/admin/providers/fast", ["paused": true])
    let single = try await story.sendBulk(1, as: users[2], class: .normal)
    try await expectSoon(single.numbers[0], stack)
    _ = try await stack.gateway.patch("/api/admin/providers/fast", ["paused": .null])
    try await cancel([campaign, busy], stack)
    _ = try await story.end(at: providers, within: .seconds(20))
  }

  /// At 2 a second: what was given out before, a turn of each other user, and the SMS itself.
  private func expectSoon(_ number: String, _ stack: Stack) async throws {
    let before = try await stack.mock.arrivals(of: "slow").count
    try await eventually(within: .seconds(10), "it arrives at the slow one") {
      try await stack.mock.arrivals(of: "slow").contains { "+\($0.number)" == number }
    }
    let arrivals = try await stack.mock.arrivals(of: "slow").sorted { $0.monotonicNs < $1.monotonicNs }
    let place = try #require(arrivals.firstIndex { "+\($0.number)" == number })
    #expect(place - before <= 5, "SMS of others that the slow one got first")
  }

  private func cancel(_ messages: [Story.Sent], _ stack: Stack) async throws {
    for message in messages {
      let answer = try await stack.gateway.post("/api/sms/\(message.id.description)/cancel")
      #expect([200, 202].contains(answer.status), "\(answer.text)")
    }
  }
}
