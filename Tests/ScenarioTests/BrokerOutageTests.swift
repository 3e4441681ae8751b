import Foundation
import TestSupport
import Testing

@Suite("The broker away", .serialized)
struct BrokerOutageTests {
  @Test("POST answers 503 within 3 s, and everything flows again within 5 s of the broker's return")
  func stopped() async throws {
    try await withStack { stack in
      let pids = try StackProcess.allCases.filter { $0 != .rabbitmq }.map { try stack.pid(of: $0) }
      let before = try await stack.sendBulk(to: numbers(20))
      try await eventually(within: .seconds(20), "first arrivals") { try await stack.mock.arrivals().count >= 4 }
      try await stack.kill(.rabbitmq)

      let answers = try await withThrowingTaskGroup(of: (String, JSONClient.Answer, Duration).self) { group in
        for number in numbers(10, from: 1000) {
          group.addTask {
            let start = ContinuousClock.now
            let answer = try await stack.gateway.post("/api/sms", ["recipient": .string(number), "content": "x"])
            return (number, answer, start.duration(to: .now))
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      for (_, answer, duration) in answers {
        #expect(answer.status == 503, "\(answer.text)")
        #expect(answer.json.error.code.string == "SERVICE_UNAVAILABLE")
        #expect(answer.headers["retry-after"] != nil)
        #expect(duration < .seconds(3.5), "3 s, and what this machine needs beside it")
      }

      let count = try await stack.mock.arrivals().count
      try await stack.up()
      let back = ContinuousClock.now
      try await eventually(within: .seconds(10), "arrivals after the broker's return") {
        try await stack.mock.arrivals().count > count
      }
      #expect(back.duration(to: .now) < .seconds(5))
      let after = try await stack.send(to: numbers(1, from: 2000)[0])
      for id in [before, after] {
        let message = try await stack.finalMessage(id, within: .seconds(60))
        #expect(message.job_status.string == "completed")
      }
      let survivors = pids.filter(\.isRunning)
      #expect(survivors == pids, "no service was restarted")

      let arrivals = try await stack.mock.arrivals()
      Promises.expectLimit(arrivals)
      Promises.expectNoDuplicates(arrivals)
      let accepted = Set((numbers(20) + numbers(1, from: 2000)).map { String($0.dropFirst()) })
      #expect(accepted.isSubset(of: Set(arrivals.map(\.number))), "every 202 arrives")
    }
  }
}
