import Contracts
import Foundation
import TestSupport
import Testing

/// Where callers are told they stand, while nothing goes: every number can be checked by hand.
@Suite(
  "Positions", .serialized, .stack(StackOptions(providers: StackOptions.jsonProviders(["left", "right"], rate: 20))))
struct PositionTests {
  private let providers = [
    ProviderUnderTest(name: "left", count: 20), ProviderUnderTest(name: "right", count: 20),
  ]

  private func stop(_ stack: Stack) async throws {
    let answer = try await stack.gateway.post("/api/admin/sending/stop")
    try #require(answer.status == 200, "\(answer.text)")
  }

  private func go(_ stack: Stack) async throws {
    let answer = try await stack.gateway.post("/api/admin/sending/go")
    try #require(answer.status == 200, "\(answer.text)")
  }

  private func position(_ id: MessageID, _ stack: Stack) async throws -> Int? {
    try await stack.message(id.description).queue_position.int
  }

  /// As SQL says it.
  private func positionInSQL(_ id: MessageID, _ stack: Stack) async throws -> Int? {
    try await stack.query("SELECT queue_position FROM projection.message_estimate(\(id.uuid))").first?
      .decode("queue_position")
  }

  @Test("every request of a burst stands behind all before it, and holes are closed up exactly")
  func burst() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let user = try await stack.makeUser("burst")
    try await stop(stack)
    var told: [Int?] = []
    var ids: [MessageID] = []
    for _ in 0..<101 {
      let sent = try await story.sendBulk(1, as: user, class: .normal)
      told.append(sent.answer.data.queue_position.int)
      ids.append(sent.id)
    }
    let wrong = told.enumerated().filter { $0.offset != $0.element }.map { "\($0.offset): \($0.element ?? -1)" }
    #expect(wrong.isEmpty, "\(wrong)")
    // One that goes later takes no place.
    let later = try await story.sendBulk(
      5, as: user, class: .normal, options: ["send_at": .string((Timestamp.now() + .seconds(3600)).description)])
    #expect(later.answer.data.queue_position.isNull)
    ids.append(try await story.sendBulk(1, as: user, class: .normal).id)
    for cancelled in [ids[30], ids[31], ids[70]] {
      let answer = try await user.gateway.post("/api/sms/\(cancelled)/cancel")
      #expect(answer.status == 200, "\(answer.text)")
    }
    let expected = [(ids[29], 29), (ids[32], 30), (ids[69], 67), (ids[71], 68), (ids[100], 97), (ids[101], 98)]
    for (id, place) in expected {
      try await eventually(within: .seconds(10), "position \(place)") { try await position(id, stack) == place }
      try await eventually(within: .seconds(5), "position \(place) in SQL") {
        try await positionInSQL(id, stack) == place
      }
    }
    // Another user goes in turn: the first of theirs is next but one at most, ours are pushed back by as many.
    let other = try await stack.makeUser("other")
    let theirs = try await story.sendBulk(50, as: other, class: .normal)
    #expect((0...1).contains(theirs.answer.data.queue_position.int ?? -1))
    try await eventually(within: .seconds(10), "both count") { try await position(ids[101], stack) == 148 }
    try await eventually(within: .seconds(5), "both count in SQL") { try await positionInSQL(ids[101], stack) == 148 }
    _ = try await user.gateway.post("/api/sms/\(later.id)/cancel")
    try await go(stack)
    _ = try await story.end(at: providers, within: .seconds(60))
  }

  @Test("two users pinned to two providers do not stand behind each other")
  func pinned() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let users = try await stack.makeUsers(["left", "right"])
    try await stop(stack)
    let left = try await story.sendBulk(60, as: users[0], class: .normal, options: ["provider": "left"])
    let right = try await story.sendBulk(10, as: users[1], class: .normal, options: ["provider": "right"])
    let last = try await story.sendBulk(1, as: users[1], class: .normal, options: ["provider": "right"])
    #expect(left.answer.data.queue_position.int == 0)
    #expect(right.answer.data.queue_position.int == 0)
    #expect(last.answer.data.queue_position.int == 10)
    try await eventually(within: .seconds(10), "the same from the heads") { try await position(last.id, stack) == 10 }
    try await eventually(within: .seconds(5), "the same in SQL") { try await positionInSQL(last.id, stack) == 10 }
    try await go(stack)
    _ = try await story.end(at: providers, within: .seconds(30))
  }
}
