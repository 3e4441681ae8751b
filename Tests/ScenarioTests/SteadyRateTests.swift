import TestSupport
import Testing

@Suite("A steady backlog", .serialized)
struct SteadyRateTests {
  @Test("40 recipients in one request go out at the full rate and never above it, with position and ETA falling")
  func bulk() async throws {
    try await withStack { stack in
      let id = try await stack.sendBulk(to: numbers(40))
      // One more behind it, whose owner watches it come nearer.
      let last = try await stack.gateway.post(
        "/api/sms", ["recipient": .string(numbers(1, from: 900)[0]), "content": "last", "class": "bulk"])
      let lastID = try #require(last.json.message_id.string)
      var positions = [try #require(last.json.data.queue_position.int)]
      var waits = [try #require(last.json.data.estimated_wait_seconds.double)]
      try await eventually(within: .seconds(40), "message final") {
        let message = try await stack.message(lastID)
        if let position = message.queue_position.int { positions.append(position) }
        if let start = message.estimated_start_at.string { waits.append(try secondsUntil(start)) }
        return message.job_status.string == "completed"
      }
      let message = try await stack.finalMessage(id, within: .seconds(5))
      #expect(message.status.string == "sent")
      #expect(message.success_count.int == 40)
      #expect(message.queue_position.isNull)
      let recipients = try await stack.recipients(id)
      #expect(recipients.count == 40 && recipients.allSatisfy { $0.status == "sent" })

      let arrivals = try await stack.mock.arrivals()
      Promises.expectLimit(arrivals)
      Promises.expectNoDuplicates(arrivals)
      let expected = (numbers(40) + numbers(1, from: 900)).map { String($0.dropFirst()) }
      #expect(Set(arrivals.map(\.number)) == Set(expected))
      #expect(arrivals.last?.number == expected.last, "within a flow the order of arrival is kept")
      #expect(Promises.meanRate(arrivals) >= Length.choose(1.8, long: 1.95))

      #expect(positions == positions.sorted(by: >), "a position never rises without new arrivals: \(positions)")
      #expect((36...40).contains(positions[0]), "40 were ahead: \(positions)")
      #expect(Set(positions).count >= 10, "\(positions)")
      #expect((15...25).contains(waits[0]), "about 20 s at 2 a second: \(waits)")
      #expect((waits.min() ?? 99) < 2, "\(waits)")
    }
  }

  @Test("20 single requests and a bulk of 20 at once keep the same limit")
  func mixed() async throws {
    try await withStack(.hkt(rate: 8)) { stack in
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
      Promises.expectLimit(arrivals, count: 8)
      Promises.expectNoDuplicates(arrivals)
      #expect(Promises.meanRate(arrivals) >= Length.choose(6.4, long: 7.8))
    }
  }
}
