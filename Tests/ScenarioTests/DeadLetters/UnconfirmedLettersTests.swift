import Contracts
import Foundation
import TestSupport
import Testing

/// SMS of which nobody knows whether they went out.
extension DeadLetterTests {
  @Test(
    "a provider that reads and hangs up: no duplicate, a letter each within 30 s, and a person says what they are")
  func settled() async throws {
    let stack = try SharedStack.current
    let user = try await stack.makeUser("unsure")
    let story = try await Story.begin(on: stack)
    let (half, all) = (20, 40)
    let sent = try await Self.buried(all, of: user, .hangsUp, in: story)
    let letters = try await stack.letters(.message(sent))
    #expect(letters.count == all)
    #expect(letters.allSatisfy { $0.error_type.string == "unconfirmed" && $0.sms_status.string == "unconfirmed" })
    #expect(Set(letters.compactMap(\.phone.string)) == Set(sent.numbers))
    let status = try await user.gateway.get("/api/sms/\(sent.id)").json.data.job_status.string
    #expect(status == "unconfirmed")

    let ids = letters.map(\.id)
    let first = ids[0].string ?? ""
    let given = try await stack.gateway.post("\(Stack.letters)/\(first)/abandon")
    #expect(given.status == 409 && given.json.error.details[0].code.string == "unconfirmed", "\(given.text)")
    let went: JSONValue = ["ids": .array(Array(ids[..<half])), "as": "sent", "reason": "the provider's list"]
    let done = try await stack.letterCommand("settle", went)
    #expect(done["count"].int == half && done.refused.int == 0, "\(done)")
    let partial = try await message(sent, of: user) { $0["counts"].sent.int == half }
    #expect(partial.job_status.string == "partial" && partial["counts"].unconfirmed.int == all - half, "\(partial)")
    for id in ids[half...] {
      let one = try await stack.letterCommand("\(id.string ?? "")/settle", ["as": "failed"])
      #expect(one["count"].int == 1 && one.status.string == "settled", "\(one)")
    }
    let ended = try await message(sent, of: user) { $0["counts"].unconfirmed.int == 0 }
    #expect(ended.job_status.string == "partial" && ended["counts"].sent.int == half, "\(ended)")
    #expect(ended["counts"].failed.int == all - half, "\(ended)")

    let twice = try await stack.letterCommand("\(first)/settle", ["as": "sent"])
    #expect(twice["count"].int == 0 && twice.already.bool == true, "\(twice)")
    let other = try await stack.gateway.post("\(Stack.letters)/\(first)/settle", ["as": "failed"])
    #expect(other.status == 409 && other.json.error.details[0].code.string == "settled", "\(other.text)")
    let closed = try await stack.letters(.message(sent))
    #expect(closed.allSatisfy { $0.status.string == "settled" && $0.close_reason.string == "settled" })
    let ending = try await story.end(at: [Self.maker, Self.again], within: .seconds(20))
    #expect(ending.arrivals.count == all, "no duplicate")
  }

  @Test("answers that come late settle their letters, but not what a person has said before")
  func late() async throws {
    let stack = try SharedStack.current
    let user = try await stack.makeUser("late")
    let story = try await Story.begin(on: stack)
    try await stack.mock.behave(Self.maker.name, ["latency_ms": 8_000])
    let sent = try await story.sendBulk(12, as: user, options: ["provider": "maker"])
    try await story.arrived(12)
    // Another sender takes one that gives no sign of life for gone, and what it has in flight for unknown.
    try stack.freeze(.sender)
    let successor = try await stack.startReplica(of: .sender, instance: "sender@second")
    try await stack.pendingLetters(12, .message(sent), within: .seconds(10))
    let letters = try await stack.letters(.message(sent))
    let said = letters.prefix(4)
    let done = try await stack.letterCommand("settle", ["ids": .array(said.map(\.id)), "as": "failed"])
    #expect(done["count"].int == 4, "\(done)")
    try stack.thaw(.sender)
    let message = try await message(sent, of: user) {
      $0["counts"].unconfirmed.int == 0 && $0["counts"].failed.int == 4
    }
    #expect(message["counts"].sent.int == 8, "\(message)")
    #expect(message.job_status.string == "partial")
    let known = Set(said.compactMap(\.id.string))
    try await eventually(within: .seconds(10), "all letters are closed") {
      try await stack.letters(.message(sent)).allSatisfy { letter in
        let reason = known.contains(letter.id.string ?? "") ? "settled" : "late_answer"
        return letter.status.string == "settled" && letter.close_reason.string == reason
      }
    }
    try await stack.mock.behave(Self.maker.name)
    let ending = try await story.end(at: [Self.maker, Self.again], within: .seconds(20))
    #expect(ending.arrivals.count == 12)
    successor.send(SIGTERM)
    try await successor.ends()
  }

  /// The message as its user sees it, as soon as this holds.
  private func message(
    _ sent: Story.Sent, of user: StackUser, once holds: (JSONValue) -> Bool
  ) async throws -> JSONValue {
    var message = JSONValue.null
    do {
      try await eventually(within: .seconds(20), "the message follows") {
        message = try await user.gateway.get("/api/sms/\(sent.id)").json.data
        return holds(message)
      }
    } catch let error as NeverTrue {
      Issue.record("\(error): \(message)")
    }
    return message
  }
}
