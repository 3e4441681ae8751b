import Glibc
import TestSupport
import Testing

/// An SMS that may have arrived is called nothing but sent or unconfirmed.
@Suite("SMS in doubt", .serialized, .stack(.hkt(rate: 10, extra: ["timeout_ms: 20000"])))
struct DoubtTests {
  private let hkt = ProviderUnderTest(name: "hkt", count: 10)

  @Test("an urgent SMS that was cut off and whose second copy is refused is unconfirmed")
  func cutThenRefused() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let number = Story.freshNumbers(1)[0]
    let suffix = JSONValue.string(String(number.suffix(8)))
    try await stack.mock.behave(
      "hkt",
      [
        "faults": [
          ["suffix": suffix, "kind": "read_and_close", "times": 1],
          ["suffix": suffix, "kind": "status", "status": 400],
        ]
      ])
    let answer = try await stack.gateway.post(
      "/api/sms", ["recipient": .string(number), "content": "Hello", "class": "urgent"])
    try #require(answer.status == 202, "\(answer.text)")
    story.adopt([number])
    let ending = try await story.end(at: [hkt], within: .seconds(20), unconfirmed: 1)
    #expect(ending.states[number] == "unconfirmed")
    #expect(ending.arrivals.map(\.outcome) == ["read_and_close", "status"], "one copy was taken, one was refused")
  }

  @Test("a late acceptance of the first copy ends it as sent, though the second was refused")
  func lateAcceptance() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await stack.mock.behave("hkt", ["latency_ms": 3000])
    let number = try await story.send(class: .urgent)
    try await story.arrived(1)
    try stack.freeze(.sender)
    try await stack.mock.behave("hkt", ["faults": [["percent": 100, "kind": "status", "status": 400]]])
    // The first one is silent: its claims are taken over after 3 s, as unknown.
    let twin = try await stack.startReplica(of: .sender, instance: "sender@local")
    try await story.arrived(2)
    try await eventually(within: .seconds(10), "nobody knows") {
      try await story.states(of: [number])[number] == "unconfirmed"
    }
    try stack.thaw(.sender)
    try await eventually(within: .seconds(20), "its answer has been read after all") {
      try await story.states(of: [number])[number] == "sent"
    }
    twin.send(SIGTERM)
    try await twin.ends()
    let ending = try await story.end(at: [hkt], within: .seconds(10))
    #expect(ending.arrivals.count == 2, "never a third copy")
  }
}
