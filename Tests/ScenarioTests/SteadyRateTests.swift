import TestSupport
import Testing

@Suite("A provider of 2 a second", .serialized)
struct SteadyRateTests {
  @Test("40 recipients in one request go out at the full rate and never above it, with position and ETA falling")
  func bulk() async throws {
    try await withStack { stack in
      let id = try await stack.sendBulk(to: numbers(40))
      var positions: [Int] = []
      var completions: [String] = []
      try await eventually(within: .seconds(40), "message final") {
        let message = try await stack.message(id)
        if let position = message.queue_position.int { positions.append(position) }
        if let completion = message.estimated_complete_at.string { completions.append(completion) }
        try await Task.sleep(for: .milliseconds(400))
        return message.job_status.string == "completed"
      }
      let message = try await stack.message(id)
      #expect(message.status.string == "sent")
      #expect(message.success_count.int == 40)
      #expect(message.queue_position.isNull)
      #expect(try await stack.recipients(id).allSatisfy { $0.status == "sent" })

      let arrivals = try await stack.mock.arrivals()
      Promises.expectLimit(arrivals)
      Promises.expectNoDuplicates(arrivals)
      #expect(Set(arrivals.map(\.number)) == Set(numbers(40).map { String($0.dropFirst()) }))
      #expect(Promises.meanRate(arrivals) >= 1.95)

      #expect(positions == positions.sorted(by: >), "a position never rises without new arrivals")
      #expect(Set(positions).count >= 5, "positions seen: \(positions)")
      #expect(completions.count >= 5)
    }
  }

  @Test("20 single requests and a bulk of 20 at once keep the same limit")
  func mixed() async throws {
    try await withStack { stack in
      let ids = try await withThrowingTaskGroup(of: String.self) { group in
        for number in numbers(20) { group.addTask { try await stack.send(to: number) } }
        group.addTask { try await stack.sendBulk(to: numbers(20, from: 100)) }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(ids.count == 21)
      for id in ids {
        let message = try await stack.finalMessage(id, within: .seconds(60))
        #expect(message.job_status.string == "completed")
      }
      let arrivals = try await stack.mock.arrivals()
      #expect(arrivals.count == 40)
      Promises.expectLimit(arrivals)
      Promises.expectNoDuplicates(arrivals)
      #expect(Promises.meanRate(arrivals) >= 1.95)
    }
  }
}
