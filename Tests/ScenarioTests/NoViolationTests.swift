import Foundation
import TestSupport
import Testing

/// The limit of 2 a second, seen from the provider, while senders freeze, die and come back.
@Suite("2 a second, whatever happens to the senders", .serialized, .stack(.hkt(extra: ["timeout_ms: 3500"])))
struct NoViolationTests {
  private let hkt = ProviderUnderTest(name: "hkt", count: 2)

  @Test("in the steady state nearly every slot is used")
  func steady() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let since = try await stack.databaseTime()
    try await story.sendBulk(Length.choose(60, long: 600))
    let ending = try await story.end(at: [hkt], within: .seconds(Length.choose(60, long: 400)))
    let latency = try await stack.measures(since: since).latency
    let use = ending.useOfSlots(limit: hkt, latency: latency)
    #expect(use >= Length.choose(0.97, long: 0.99), "of the slots, at a latency of \(latency)")
  }

  @Test("a sender that was frozen does not catch up too fast")
  func frozenSender() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await story.sendBulk(12)
    try await story.arrived(3)
    try stack.freeze(.sender)
    try await story.pass(.seconds(Length.choose(5, long: 30)))
    try stack.thaw(.sender)
    // An answer that came while it was frozen may look like one that never came.
    _ = try await story.end(at: [hkt], within: .seconds(40), unconfirmed: 2)
  }

  @Test("a sender killed with everything it may have in flight leaves no more than that unconfirmed")
  func killedSender() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await stack.mock.behave("hkt", ["latency_ms": 600])
    try await story.sendBulk(10)
    try await story.arrived(3)
    try await stack.kill(.sender)
    try await stack.up()
    try await stack.mock.behave("hkt")
    _ = try await story.end(at: [hkt], within: .seconds(40), unconfirmed: 2)
  }

  @Test("of two senders one is killed and the other frozen, and both come back")
  func twoSenders() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let second = try await stack.startReplica(of: .sender, instance: "sender@second")
    try await story.sendBulk(24)
    try await story.arrived(6)
    try await stack.kill(.sender)
    try await story.arrived(10)
    second.send(SIGSTOP)
    try await stack.up()
    try await story.arrived(14)
    second.send(SIGCONT)
    _ = try await story.end(at: [hkt], within: .seconds(60), unconfirmed: 4)
    second.send(SIGTERM)
    try await second.ends()
  }
}
