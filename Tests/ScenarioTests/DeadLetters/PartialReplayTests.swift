import Contracts
import Foundation
import ServiceKit
import TestSupport
import Testing

/// A filter and a limit choose a part of many letters, and only that part goes.
extension DeadLetterTests {
  private var limit: Int { Length.choose(200, long: 1_000) }

  /// 2,000 letters (10,000 in the long version): what the filter chooses, the same user's of another kind, and another
  /// user's.
  private struct Pile {
    var user: StackUser
    var other: StackUser
    /// Each with 45 letters that the filter chooses, and 5 SMS that were sent.
    var messages: [Story.Sent]
    var unconfirmed = Length.choose(200, long: 1_000)
    var others = Length.choose(3, long: 15) * 450

    var chosen: Int { messages.count * 45 }
    var query: LetterQuery { .user(user, ["error_type": "provider_error", "provider": DeadLetterTests.maker.name]) }

    init(_ story: Story) async throws {
      let stack = story.stack
      let users = try await stack.makeUsers(["chosen", "other"])
      (user, other) = (users[0], users[1])
      messages = []
      try await DeadLetterTests.trouble(.refuses, endingIn: 1...9, on: stack)
      for _ in 0..<Length.choose(10, long: 50) {
        messages.append(try await story.sendBulk(50, as: user, options: ["provider": "maker"]))
      }
      for _ in 0..<others / 450 { try await story.sendBulk(500, as: other, options: ["provider": "maker"]) }
      try await stack.pendingLetters(messages.count * 45, .user(user), within: .seconds(60))
      try await stack.pendingLetters(others, .user(other), within: .seconds(60))
      try await DeadLetterTests.trouble(.hangsUp, on: stack)
      try await story.sendBulk(unconfirmed, as: user, options: ["provider": "maker"])
      try await stack.pendingLetters(messages.count * 45 + unconfirmed, .user(user), within: .seconds(60))
      try await DeadLetterTests.trouble(nil, on: stack)
    }
  }

  @Test("asked for five times at once, while dead-letter and scheduler die: exactly those go, once each, in time")
  func killed() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let pile = try await Pile(story)
    let reason = "Story \(UUID())"
    let body: JSONValue = [
      "filter": pile.query.filter, "limit": .number(Double(limit)), "provider": .string(Self.again.name),
      "reason": .string(reason),
    ]
    try stack.arm(Failpoint.letterRequestCommitted.rawValue)
    async let posts = (0..<5).concurrentMap(width: 5) { _ in
      try await stack.gateway.post("\(Stack.letters)/replay", body)
    }
    try await stack.waitUntilDead(.deadLetter)
    try await stack.up()
    let answers = try await posts
    #expect(answers.allSatisfy { [200, 202].contains($0.status) }, "\(answers.map(\.text))")
    #expect(answers.count { ($0.json.data["count"].int ?? 0) > 0 } <= 1, "\(answers.map(\.text))")
    try await eventually(within: .seconds(Length.choose(20, long: 40)), "a third has gone") {
      try await stack.mock.statistics(of: Self.again.name).arrivals.int ?? 0 >= limit / 3
    }
    try await stack.kill(.deadLetter)
    try await stack.kill(.scheduler)
    let before = try await stack.mock.statistics(of: Self.again.name).arrivals.int ?? 0
    #expect(before < limit, "the kill came too late to be one in the middle")
    try await stack.up()
    let replay = try await stack.endedReplay(because: reason, within: .seconds(60))
    #expect(replay["count"].int == limit && replay.results.sent.int == limit, "\(replay)")

    let ending = try await story.end(at: [Self.maker, Self.again], within: .seconds(30), unconfirmed: pile.unconfirmed)
    let gone = ending.taken(by: Self.again)
    #expect(gone.count == limit && Set(gone).count == limit, "once each")
    try await expectLetters(of: pile, gone: Set(gone), on: stack)
    try await expectStatuses(of: pile, on: stack)
  }

  /// Those that went are `retried`, the oldest that the filter chose; all others wait as before.
  private func expectLetters(of pile: Pile, gone: Set<String>, on stack: Stack) async throws {
    let letters = try await stack.letters(.user(pile.user))
    #expect(letters.count == pile.chosen + pile.unconfirmed)
    let retried = letters.filter { $0.status.string == "retried" }
    #expect(Set(retried.compactMap(\.phone.string)) == gone)
    #expect(retried.allSatisfy { $0.error_type.string == "provider_error" && $0.close_reason.string == "replayed" })
    let pending = letters.filter { $0.status.string == "pending" }
    #expect(pending.count == letters.count - limit)
    let left = pending.filter { $0.error_type.string == "provider_error" }.compactMap(\.created_at.string)
    #expect(try #require(retried.compactMap(\.created_at.string).max()) <= #require(left.min()), "the oldest first")
    try await stack.pendingLetters(pile.others, .user(pile.other), within: .zero)
  }

  /// A message is completed when all its letters went, and as before otherwise.
  private func expectStatuses(of pile: Pile, on stack: Stack) async throws {
    let pending = Dictionary(
      grouping: try await stack.letters(.user(pile.user, ["status": "pending"])), by: \.message_id.string
    ).mapValues(\.count)
    var completed = 0
    for sent in pile.messages {
      let id = sent.id.description
      let letters = pending[id] ?? 0
      if letters == 0 { completed += 1 }
      let message = try await pile.user.gateway.get("/api/sms/\(id)").json.data
      #expect(message.job_status.string == (letters == 0 ? "completed" : "partial"), "\(message)")
      #expect(message["counts"].dead.int == letters && message.success_count.int == 50 - letters, "\(message)")
    }
    #expect(completed > 0 && completed < pile.messages.count)
  }

  @Test(
    "is through when its dry run said, beside others' traffic or alone", arguments: [0, Length.choose(50, long: 300)])
  func forecast(others: Int) async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let users = try await stack.makeUsers(["forecast\(others)", "traffic\(others)"])
    let count = Length.choose(125, long: 1_000)
    let sent = try await Self.buried(count + 10, of: users[0], .refuses, in: story)
    if others > 0 {
      try await story.sendBulk(others, as: users[1], class: .normal, options: ["provider": .string(Self.again.name)])
      try await eventually(within: .seconds(10), "the gateway sees the traffic in the queue") {
        try await stack.gateway.get("/api/queue/status").json.data.queue_depth.int ?? 0 > 0
      }
    }
    let (asked, askedNs) = (Timestamp.now(), MonotonicTime.nanoseconds)
    let trial = try await stack.trial(.message(sent), limit: count, by: Self.again.name)
    #expect(trial["count"].int == count && trial.segments.int == count, "\(trial)")
    let promised = try #require(trial.estimated_complete_at.string.flatMap { Timestamp($0) }) - asked
    let reason = "Story \(UUID())"
    try await stack.letterCommand(
      "replay",
      [
        "filter": LetterQuery.message(sent).filter, "limit": .number(Double(count)),
        "provider": .string(Self.again.name),
        "reason": .string(reason),
      ])
    _ = try await stack.endedReplay(because: reason, within: .seconds(90))
    let ending = try await story.end(at: [Self.maker, Self.again], within: .seconds(20))
    let mine = Set(sent.numbers)
    let gone = ending.arrivals.filter { $0.provider == Self.again.name && mine.contains("+\($0.number)") }
    #expect(gone.count == count)
    let took = Duration.nanoseconds(try #require(gone.last).monotonicNs - askedNs)
    let error = promised - took
    #expect(
      abs(error / .seconds(1)) <= max(0.05 * (took / .seconds(1)), Length.choose(2, long: 0)),
      "promised in \(promised), it took \(took)")
  }
}
