import NIOConcurrencyHelpers
import TestSupport
import Testing

@Suite("Idempotency", .serialized)
struct IdempotencyTests {
  @Test("1,000 equal requests at once, and the gateway killed in the middle, give one message and one SMS")
  func thousandAndAKill() async throws {
    try await withStack(.hkt(rate: 50)) { stack in
      let done = NIOLockedValueBox(0)
      let requests = Task {
        try await Array(0..<1_000).concurrentMap(width: 200) { _ in
          let id = try await Self.send(to: stack)
          done.withLockedValue { $0 += 1 }
          return id
        }
      }
      // In the middle: some have their answer, others are under way, most have not begun.
      try await eventually(within: .seconds(30), "some are answered") { done.withLockedValue { $0 } > 50 }
      try await stack.kill(.gateway)
      #expect(done.withLockedValue { $0 } < 1_000, "the kill came too late to be one in the middle")
      try await stack.up()
      let ids = try await requests.value
      #expect(ids.count == 1_000)
      let id = try #require(ids.first)
      #expect(Set(ids) == [id])
      _ = try await stack.finalMessage(id, within: .seconds(20))
      let list = try await stack.gateway.get("/api/sms?limit=10")
      #expect(list.json.data.messages.array.compactMap(\.id.string) == [id])
      // What would come twice comes right behind.
      let second = try await stack.gateway.post("/api/sms", ["recipient": "+85291230002", "content": "the last"])
      _ = try await stack.finalMessage(try #require(second.json.message_id.string), within: .seconds(20))
      let arrivals = try await stack.mock.arrivals()
      #expect(arrivals.map(\.number).sorted() == ["85291230001", "85291230002"])
    }
  }

  /// Asks as a careful client does: until there is an answer, always with the same key.
  private static func send(to stack: Stack) async throws -> String {
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
      do {
        let answer = try await stack.gateway.post(
          "/api/sms", ["recipient": "+85291230001", "content": "only once"],
          headers: [("Idempotency-Key", "order-4711")])
        if answer.status == 202, let id = answer.json.message_id.string { return id }
        guard [409, 429, 503].contains(answer.status) else { throw StackError("\(answer.status): \(answer.text)") }
      } catch is JSONClient.NoAnswer {
        // The gateway is dead, or died over it.
      }
      guard .now < deadline else { throw StackError("no answer within a minute") }
      // As its Retry-After would say, but sooner: the test wants many at once.
      try await Task.sleep(for: .milliseconds(100))
    }
  }
}
