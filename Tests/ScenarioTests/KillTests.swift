import TestSupport
import Testing

@Suite("kill -9", .serialized)
struct KillTests {
  @Test("each service killed once while 60 are under way: nothing lost, nothing twice, no violation")
  func everyServiceOnce() async throws {
    try await withStack(.hkt(rate: 5)) { stack in
      let id = try await stack.sendBulk(to: numbers(60))
      let services: [StackProcess] = [.gateway, .scheduler, .sender, .deadLetter, .projector]
      for (number, service) in services.enumerated() {
        let target = 4 + number * 10
        try await eventually(within: .seconds(40), "\(target) arrivals before \(service.rawValue) is killed") {
          try await stack.mock.arrivals().count >= target
        }
        try await stack.kill(service)
        try await stack.up()
      }
      let message = try await stack.finalMessage(id, within: .seconds(90))
      let recipients = try await stack.recipients(id)
      let arrivals = try await stack.mock.arrivals()
      Promises.expectLimit(arrivals, count: 5)
      Promises.expectNoDuplicates(arrivals)

      #expect(recipients.count == 60)
      let arrived = Set(arrivals.map { "+\($0.number)" })
      let sent = recipients.filter { $0.status == "sent" }.map(\.phone)
      let unconfirmed = recipients.filter { $0.status == "unconfirmed" }.map(\.phone)
      #expect(sent.count + unconfirmed.count == 60)
      #expect(unconfirmed.count <= 2, "at most what was in flight when the sender was killed")
      #expect(sent.allSatisfy { arrived.contains($0) }, "nothing is sent that did not arrive")
      #expect(message.success_count.int == sent.count)
    }
  }
}
