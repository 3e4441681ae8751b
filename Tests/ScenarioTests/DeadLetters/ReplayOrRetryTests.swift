import TestSupport
import Testing

/// Two people want the same.
extension DeadLetterTests {
  @Test("of the same SMS at the same moment: each is sent once, and every letter is closed")
  func together() async throws {
    let stack = try SharedStack.current
    let user = try await stack.makeUser("hasty")
    let story = try await Story.begin(on: stack)
    for round in 0..<Length.choose(4, long: 30) {
      let sent = try await Self.buried(30, of: user, .refuses, in: story)
      async let retry = {
        if round.isMultiple(of: 2) { try await Task.sleep(for: .milliseconds(round)) }
        return try await user.gateway.post("/api/sms/\(sent.id)/retry-failed")
      }()
      async let replay = stack.gateway.post(
        "\(Stack.letters)/replay", ["filter": LetterQuery.message(sent).filter, "provider": .string(Self.again.name)])
      let (own, admins) = (try await retry, try await replay)
      #expect([202, 409].contains(own.status), "\(own.text)")
      #expect(admins.status == 200, "\(admins.text)")
      try await eventually(within: .seconds(20), "all are sent") {
        try await user.gateway.get("/api/sms/\(sent.id)").json.data.job_status.string == "completed"
      }
      try await eventually(within: .seconds(10), "all letters are closed") {
        try await stack.letters(.message(sent)).allSatisfy { $0.status.string == "retried" }
      }
      let letters = try await stack.letters(.message(sent))
      #expect(letters.count == 30 && Set(letters.compactMap(\.phone.string)) == Set(sent.numbers))
    }
    let ending = try await story.end(at: [Self.maker, Self.again], within: .seconds(20))
    #expect(ending.count(of: "sent") == ending.accepted.count)
    let taken = ending.taken(by: Self.maker) + ending.taken(by: Self.again)
    #expect(taken.count == ending.accepted.count && Set(taken) == Set(ending.accepted), "once each")
    let running = try await stack.gateway.get("\(Stack.letters)/replays?limit=200").json.data.replays.array
    #expect(running.allSatisfy { $0.ended_at.string != nil }, "no replay waits for what went another way")
  }
}
