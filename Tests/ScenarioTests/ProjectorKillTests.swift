import Contracts
import Foundation
import NIOConcurrencyHelpers
import TestSupport
import Testing

/// The projector killed again and again while facts come fast: what people read is what happened.
@Suite(
  "kill -9 of the projector", .serialized,
  .stack(StackOptions(providers: StackOptions.jsonProviders(["p"], rate: 400, globalRate: 1000))))
struct ProjectorKillTests {
  private let provider = ProviderUnderTest(name: "p", count: 400)

  @Test("under 150 SMS/s, every 3 s: the read tables equal what the provider got, and everything adds up")
  func again() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let seconds = Length.choose(15, long: 60)
    let before = try await sent(stack)
    let load = Task { try await send(for: seconds, story) }
    for _ in 0..<(seconds / 3) {
      try await story.pass(.seconds(3))
      try await stack.kill(.projector)
      try await stack.up()
    }
    try await load.value
    let ending = try await story.end(at: [provider], within: .seconds(60))
    #expect(ending.accepted.count >= 140 * seconds)
    #expect(ending.count(of: "sent") == ending.accepted.count)
    #expect(Set(ending.arrivals.map { "+\($0.number)" }) == Set(ending.accepted))
    try await expectTruth(stack, before: before, ending)
  }

  @Test("a rebuild under the same load: every read is answered, and the new tables equal what the provider got")
  func rebuild() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let before = try await sent(stack)
    let load = Task { try await send(for: 10, story) }
    let isOver = NIOLockedValueBox(false)
    let reads = Task {
      var count = 0
      while !isOver.withLockedValue({ $0 }) {
        let answer = try await stack.gateway.get("/api/sms?limit=20")
        #expect(answer.status == 200, "\(answer.text)")
        count += 1
      }
      return count
    }
    try await story.arrived(300)
    for _ in 0..<2 {
      let (code, output) = try await stack.run(.projector, ["rebuild", "--keep-old", "1s"], within: .seconds(60))
      #expect(code == 0, "\(output)")
    }
    try await load.value
    isOver.withLockedValue { $0 = true }
    let count = try await reads.value
    #expect(count > 50)
    let ending = try await story.end(at: [provider], within: .seconds(60))
    #expect(ending.count(of: "sent") == ending.accepted.count)
    try await expectTruth(stack, before: before, ending)
  }

  /// SMS that were sent before a story.
  private func sent(_ stack: Stack) async throws -> Int {
    try await stack.query("SELECT sent FROM projection.totals_read WHERE user_id IS NULL").first?.decode("sent") ?? 0
  }

  /// All that the read side counts is what the provider got.
  private func expectTruth(_ stack: Stack, before: Int, _ ending: Ending) async throws {
    let totals = try await stack.query(
      """
      SELECT t.sent, t.pending + t.sending + t.retrying AS open, t.units, t.completed_messages, t.messages,
        (SELECT count(*) FROM projection.recipients_read WHERE state = 'sent') AS counted,
        (SELECT count(*) FROM projection.attempts_read WHERE outcome = 'accepted') AS attempts,
        (SELECT sum(sent) FROM projection.throughput_read) AS throughput
      FROM projection.totals_read t WHERE t.user_id IS NULL
      """
    ).first
    let row = try #require(totals)
    for name in ["sent", "units", "counted", "attempts", "throughput"] {
      #expect(try row.decode(name, as: Int.self) == before + ending.accepted.count, "\(name)")
    }
    #expect(try row.decode("open", as: Int.self) == 0)
    #expect(try row.decode("completed_messages", as: Int.self) == row.decode("messages", as: Int.self))
    try await eventually(within: .seconds(30), "nothing differs") {
      try await stack.query("SELECT FROM projection.ledger_read").isEmpty
    }
  }

  /// 150 SMS a second: bulk requests and single ones.
  private func send(for seconds: Int, _ story: Story) async throws {
    for second in 0..<seconds {
      let start = ContinuousClock.now
      for _ in 0..<5 { try await story.sendBulk(28) }
      for _ in 0..<10 { try await story.send() }
      if second < seconds - 1 { try await Task.sleep(until: start + .seconds(1), clock: .continuous) }
    }
  }
}
