import TestSupport
import Testing

/// What an operator has when the gateway is down.
extension DeadLetterTests {
  @Test("replays by ids without the gateway, and says that a second time changes nothing")
  func withoutGateway() async throws {
    let stack = try SharedStack.current
    let user = try await stack.makeUser("console")
    let story = try await Story.begin(on: stack)
    let sent = try await Self.buried(20, of: user, .refuses, in: story)
    let ids = try await stack.letters(.message(sent)).compactMap(\.id.string)
    let chosen = Array(ids.prefix(12))
    // Nothing goes meanwhile, so that the replay still runs when it is asked for again.
    _ = try await stack.gateway.post("/api/admin/sending/stop")
    try await stack.kill(.gateway)

    let command = ["replay", "--by", Self.again.name, "--reason", "the gateway is down"] + chosen
    let first = try await stack.run(.deadLetter, command, within: .seconds(20))
    #expect(first.code == 0 && first.output.hasSuffix(": 12 letters, 12 segments\n"), "\(first)")
    let replay = try #require(first.output.split(separator: " ").dropFirst().first?.dropLast())
    let second = try await stack.run(.deadLetter, command, within: .seconds(20))
    #expect(second.code == 0 && second.output == "an equal replay runs already: \(replay)\n", "\(second)")
    let one = try await stack.run(.deadLetter, ["replay", chosen[0]], within: .seconds(20))
    #expect(one.code == 1 && one.output.contains("it is not pending"), "\(one)")

    try await stack.up()
    _ = try await stack.gateway.post("/api/admin/sending/go")
    let ended = try await stack.endedReplay(because: "the gateway is down", within: .seconds(30))
    #expect(ended.results.sent.int == 12 && ended.id.string == String(replay), "\(ended)")
    let third = try await stack.run(.deadLetter, command, within: .seconds(20))
    #expect(third.code == 1 && third.output.contains("it is not pending"), "\(third)")
    let letters = try await stack.letters(.message(sent))
    #expect(Set(letters.filter { $0.status.string == "retried" }.compactMap(\.id.string)) == Set(chosen))
    try await stack.pendingLetters(8, .message(sent), within: .zero)
    let ending = try await story.end(at: [Self.maker, Self.again], within: .seconds(20))
    #expect(ending.taken(by: Self.again).count == 12)
  }
}
