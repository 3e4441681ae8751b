import Contracts
import Foundation
import Postgres
import TestSupport
import Testing

/// Who goes next, counted at one provider of 50 a second.
@Suite("Fairness", .serialized, .stack(StackOptions(providers: StackOptions.jsonProviders(["p"]))))
struct FairnessTests {
  private let provider = ProviderUnderTest(name: "p", count: 50)

  @Test("ten users with a backlog each get the same")
  func equalShares() async throws {
    let stack = try SharedStack.current
    let users = try await stack.makeUsers((0..<10).map { "equal\($0)" })
    let story = try await Story.begin(on: stack)
    let sent = try await whileHeld(stack) {
      try await users.asyncMap { try await story.sendBulk(30, as: $0, class: .normal).numbers }
    }
    let ending = try await story.end(at: [provider], within: .seconds(40))
    let first = try await sinceAllWait(ending.arrivals, stack).prefix(200)
    let counts = sent.map { Double(first.count(among: $0)) }
    let jain = pow(counts.reduce(0, +), 2) / (10 * counts.map { $0 * $0 }.reduce(0, +))
    #expect(jain >= 0.98, "\(counts)")
  }

  @Test("weights 3 and 1 share three to one")
  func weights() async throws {
    let stack = try SharedStack.current
    let heavy = try await stack.makeUser("heavy", weight: 3)
    let light = try await stack.makeUser("light", weight: 1)
    let story = try await Story.begin(on: stack)
    let (three, one) = try await whileHeld(stack) {
      (
        try await story.sendBulk(180, as: heavy, class: .normal).numbers,
        try await story.sendBulk(60, as: light, class: .normal).numbers
      )
    }
    let ending = try await story.end(at: [provider], within: .seconds(40))
    let first = try await sinceAllWait(ending.arrivals, stack).prefix(200)
    let ratio = Double(first.count(among: three)) / Double(max(1, first.count(among: one)))
    #expect(abs(ratio / 3 - 1) <= 0.03, "\(ratio)")
  }

  @Test("a thousand bulk users do not push urgent below 16/21, and bulk keeps its 1/21")
  func classes() async throws {
    let stack = try SharedStack.current
    let crowd = try await stack.makeUsers((0..<1000).map { "crowd\($0)" })
    let caller = try await stack.makeUser("caller")
    let story = try await Story.begin(on: stack)
    let (urgent, normal, bulk) = try await whileHeld(stack) {
      let bulk = try await crowd.concurrentMap(width: 8) { try await story.send(as: $0, class: .bulk) }
      let normal = try await story.sendBulk(80, as: caller, class: .normal).numbers
      return (try await story.sendBulk(260, as: caller, class: .urgent).numbers, normal, bulk)
    }
    try await story.arrived(340, within: .seconds(30))
    let arrivals = try await stack.mock.arrivals(of: provider.name).sorted { $0.monotonicNs < $1.monotonicNs }
    let first = try await sinceAllWait(arrivals, stack).prefix(315)
    // One turn more or less at the edges of the count.
    #expect(first.count(among: urgent) >= 240 - 1, "16/21 of 315")
    #expect(first.count(among: normal) >= 60 - 1, "4/21 of 315")
    #expect(first.count(among: bulk) >= 15 - 1, "1/21 of 315")
    Promises.expectLimit(arrivals, count: 50)
  }

  @Test("behind 10,000 of one user another's single SMS is within two slots, an urgent one in the next")
  func single() async throws {
    let stack = try SharedStack.current
    let users = try await stack.makeUsers(["many", "single", "urgent"])
    let story = try await Story.begin(on: stack)
    try await story.sendBulk(10_000, as: users[0], class: .bulk)
    try await story.arrived(50)
    let normal = try await story.send(as: users[1], class: .normal)
    try await story.arrived(100)
    let urgent = try await story.send(as: users[2], class: .urgent)
    for (number, slots) in [(normal, 1), (urgent, 0)] {
      try await eventually(within: .seconds(10), "the single SMS arrives") {
        try await stack.mock.arrivals(of: provider.name).contains { "+\($0.number)" == number }
      }
      let overtaken = try await issuedBetween(number, stack)
      #expect(overtaken <= slots, "SMS of others that got a turn after it was queued and before it")
      let ahead = try await arrivedBetween(number, stack)
      #expect(ahead <= slots, "SMS of others that were issued after it was queued and arrived before it")
    }
  }

  /// Lets the backlog build up while nothing is sent.
  private func whileHeld<Result: Sendable>(_ stack: Stack, _ body: () async throws -> Result) async throws -> Result {
    try stack.freeze(.sender)
    let result: Result
    do {
      result = try await body()
    } catch {
      try stack.thaw(.sender)
      throw error
    }
    try stack.thaw(.sender)
    return result
  }

  /// Without those that were dispatched before the last message was queued: they had no rivals yet.
  private func sinceAllWait(_ arrivals: [MockClient.Arrival], _ stack: Stack) async throws -> [MockClient.Arrival] {
    let rows = try await stack.query(
      """
      SELECT DISTINCT m.recipients[a.unit_index + 1] AS phone
      FROM scheduler.attempts a JOIN scheduler.messages m USING (message_id)
      WHERE a.issued_at <= (SELECT max(queued_at) FROM scheduler.messages)
      """)
    let early = Set(try rows.map { try $0.decode("phone", as: String.self) })
    return arrivals.filter { !early.contains("+\($0.number)") }
  }

  /// How many others were dispatched between an SMS's queueing and its own dispatch.
  private func issuedBetween(_ number: String, _ stack: Stack) async throws -> Int {
    let rows = try await stack.query(
      """
      SELECT (SELECT count(*) FROM scheduler.attempts o WHERE o.issued_at > m.queued_at AND o.issued_at < a.issued_at)
        AS others
      FROM scheduler.messages m JOIN scheduler.attempts a USING (message_id)
      WHERE m.recipients[a.unit_index + 1] = \(number)
      """)
    return try #require(rows.first).decode("others")
  }

  /// How many others that were dispatched after an SMS was queued reached the provider before it.
  private func arrivedBetween(_ number: String, _ stack: Stack) async throws -> Int {
    let rows = try await stack.query(
      """
      SELECT o_message.recipients[o.unit_index + 1] AS phone
      FROM scheduler.messages m JOIN scheduler.attempts o ON o.issued_at > m.queued_at
      JOIN scheduler.messages o_message ON o_message.message_id = o.message_id
      WHERE m.recipients[1] = \(number) AND m.total = 1
      """)
    let later = Set(try rows.map { try $0.decode("phone", as: String.self) })
    let arrivals = try await stack.mock.arrivals(of: provider.name).sorted { $0.monotonicNs < $1.monotonicNs }
    return arrivals.prefix { "+\($0.number)" != number }.count { later.contains("+\($0.number)") }
  }
}

extension ArraySlice<MockClient.Arrival> {
  fileprivate func count(among numbers: [String]) -> Int {
    let set = Set(numbers)
    return count { set.contains("+\($0.number)") }
  }
}
