import Contracts
import Foundation
import TestSupport
import Testing

/// What one user may cost the others, counted at a provider of 50 a second.
@Suite("Budgets", .serialized, .stack(StackOptions(providers: StackOptions.jsonProviders(["p"]))))
struct BudgetTests {
  private let provider = ProviderUnderTest(name: "p", count: 50)
  private let tomorrow = (Timestamp.now() + .seconds(86_400)).description

  @Test("a user who pauses, resumes, retries and sends to thousands without a break does not slow the others down")
  func hammering() async throws {
    let stack = try SharedStack.current
    let users = try await stack.makeUsers(["hammer", "other"])
    let (hammer, other) = (users[0], users[1])
    let story = try await Story.begin(on: stack)
    let scheduled = try await story.bulk(3_000, as: hammer, ["send_at": .string(tomorrow)])
    // What has expired goes again by retry-failed, in 3,000 units that come back.
    let expired = try await story.bulk(3_000, as: hammer, ["validity_seconds": 1])
    try await eventually(within: .seconds(10), "the message has expired") {
      try await stack.query("SELECT 1 AS one FROM scheduler.messages WHERE expired > 2000").count == 1
    }
    try await story.sendBulk(1_500, as: other, class: .normal)
    try await stack.mock.reset()
    try await story.arrived(100)
    let quiet = try await arrivals(in: .seconds(6), stack)
    let hammered = try await withThrowingTaskGroup(of: Int?.self) { group in
      for id in [scheduled, expired] {
        for action in ["pause", "resume", "retry-failed"] {
          group.addTask { try await repeating { _ = try await hammer.gateway.post("/api/sms/\(id)/\(action)") } }
        }
      }
      group.addTask {
        try await repeating { _ = try? await story.bulk(2_000, as: hammer, ["send_at": .string(tomorrow)]) }
      }
      group.addTask { try await arrivals(in: .seconds(8), stack) }
      defer { group.cancelAll() }
      while let result = try await group.next() { if let result { return result } }
      return 0
    }
    let ratio = (Double(hammered) / 8) / (Double(quiet) / 6)
    // A short run shares two cores with the hammering itself, in debug builds: it sees that nothing stands still.
    #expect(
      ratio >= Length.choose(0.6, long: 0.9),
      "\(quiet) arrivals in 6 s before, \(hammered) in 8 s while one user hammers")
    let arrived = try await stack.mock.arrivals(of: provider.name)
    Promises.expectLimit(arrived, count: provider.count)
  }

  /// Again and again until cancelled.
  private func repeating(_ body: () async throws -> Void) async throws -> Int? {
    while !Task.isCancelled { try await body() }
    return nil
  }

  /// How many requests reach the provider in a time, which is what is measured and no waiting for a state.
  private func arrivals(in time: Duration, _ stack: Stack) async throws -> Int {
    let before = try await stack.mock.arrivals(of: provider.name).count
    try await Task.sleep(for: time)
    return try await stack.mock.arrivals(of: provider.name).count - before
  }
}

extension Story {
  /// Sends to many whom the story does not count.
  fileprivate func bulk(
    _ count: Int, as user: StackUser, _ options: [String: JSONValue]
  ) async throws -> MessageID {
    let numbers = Story.freshNumbers(count)
    var body = options
    body["recipients"] = .array(numbers.map { .string($0) })
    body["content"] = "Not counted"
    let answer = try await user.gateway.post("/api/sms/send-bulk", .object(body))
    try #require(answer.status == 202, "\(answer.text)")
    return MessageID(try #require(answer.json.message_id.string.flatMap { UUID(uuidString: $0) }))
  }
}
