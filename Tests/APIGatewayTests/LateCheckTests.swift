import Contracts
import Testing

@testable import APIGateway

@Suite("Messages that would be late")
struct LateCheckTests {
  private static let paths = [
    "/api/sms", "/api/sms/send", "/api/sms/send-bulk", "/api/sms/provider1", "/api/sms/estimate",
  ]

  private static func body(_ path: String, _ options: String) -> String {
    let recipient = path.hasSuffix("bulk") ? #""recipients": ["91234567"]"# : #""recipient": "91234567""#
    return #"{\#(recipient), "content": "Hi", \#(options)}"#
  }

  @Test(
    "A message that would go out after its expiry is refused on every route, and nothing is published", arguments: paths
  )
  func late(_ path: String) async throws {
    try await GatewayFixture.run { gateway in
      // 101 SMS at 2/s: the next one goes after 50.5 s.
      let provider = path.hasSuffix("provider1") ? "provider1" : nil
      gateway.queue.apply(.waiting(101, of: gateway.user.userID, pinnedTo: provider))
      let expiresAt = Timestamp.now() + .seconds(40)
      for (options, field) in [
        (#""validity_seconds": 40"#, "validity_seconds"), (#""expires_at": "\#(expiresAt)""#, "expires_at"),
      ] {
        let answer = try await gateway.post(path, Self.body(path, options + #", "reject_if_late": true"#))
        #expect(answer.status == 409, "\(answer.body)")
        #expect(answer.string("error.code") == "WOULD_EXPIRE")
        #expect(answer.string("error.details.0.field") == field)
        #expect(answer.string("error.details.0.code") == "would_expire")
        let complete = try #require(answer.string("error.details.0.estimated_complete_at").flatMap { Timestamp($0) })
        #expect(complete > expiresAt)
      }
      #expect(try gateway.publisher.accepted().isEmpty)
      // Nothing was counted either.
      let next = try await gateway.post(
        "/api/sms", Self.body("/api/sms", #""provider": \#(provider.map { "\"\($0)\"" } ?? "null")"#))
      #expect(next.number("data.queue_position") == 101)
    }
  }

  @Test("A message that goes out in time, or nobody knows when, is accepted")
  func inTime() async throws {
    try await GatewayFixture.run { gateway in
      func expect(_ status: Int, _ options: String) async throws {
        let answer = try await gateway.post("/api/sms", Self.body("/api/sms", options))
        #expect(answer.status == status, "\(options)")
      }
      try await expect(202, #""validity_seconds": 1, "reject_if_late": true"#)  // nothing is known
      gateway.queue.apply(.waiting(101, of: gateway.user.userID))
      try await expect(202, #""validity_seconds": 600, "reject_if_late": true"#)
      try await expect(202, #""validity_seconds": 10"#)  // nobody asked
      try await expect(202, #""validity_seconds": 10, "reject_if_late": false"#)
      #expect(try gateway.publisher.accepted().count == 4)
    }
  }

  @Test("While nothing of it would go before somebody lets it, it would be late, and nobody is told a place or a time")
  func standstill() async throws {
    try await GatewayFixture.run { gateway in
      let options = #""validity_seconds": 600, "reject_if_late": true"#
      var idle = QueueChanged.waiting(0, of: gateway.user.userID)
      gateway.queue.apply(idle)
      let free = try await gateway.post("/api/sms", Self.body("/api/sms", options))
      #expect(free.status == 202 && free.number("data.queue_position") == 0)

      for change: (inout QueueChanged) -> Void in [
        { $0.isSending = false }, { $0.pausedUsers = [gateway.user.userID] },
        {
          $0.providers[0].state = "paused"; $0.providers[0].effectiveRate = 0
        },
      ] {
        var held = QueueChanged.waiting(0, of: gateway.user.userID)
        change(&held)
        gateway.queue.apply(held)
        let late = try await gateway.post("/api/sms", Self.body("/api/sms", options))
        #expect(late.status == 409 && late.string("error.code") == "WOULD_EXPIRE", "\(late.body)")
        #expect(late.string("error.details.0.field") == "validity_seconds")
        #expect(late.string("error.details.0.estimated_complete_at") == nil)
        let patient = try await gateway.post("/api/sms", Self.body("/api/sms", #""validity_seconds": 600"#))
        #expect(patient.status == 202 && patient.string("data.estimated_start_at") == nil, "\(patient.body)")
        // By then it may have been let go.
        let sendAt = Timestamp.now() + .seconds(3600)
        let later = try await gateway.post("/api/sms", Self.body("/api/sms", options + #", "send_at": "\#(sendAt)""#))
        #expect(later.status == 202, "\(later.body)")
      }
      idle.pausedUsers = [.timeOrdered()]
      gateway.queue.apply(idle)
      #expect(try await gateway.post("/api/sms", Self.body("/api/sms", options)).status == 202, "somebody else's pause")
    }
  }

  @Test("What counts is the last SMS of a message, and the time to send")
  func last() async throws {
    try await GatewayFixture.run { gateway in
      gateway.queue.apply(.waiting(20, of: gateway.user.userID))
      let numbers = (0..<40).map { #""912345\#(10 + $0)""# }.joined(separator: ",")
      func expect(_ status: Int, _ options: String) async throws {
        let body =
          #"{"recipients": [\#(numbers)], "content": "Hi", "class": "normal", "reject_if_late": true, \#(options)}"#
        let answer = try await gateway.post("/api/sms/send-bulk", body)
        #expect(answer.status == status, "\(options)")
      }
      // The first goes after 10 s, the last after 29.5.
      try await expect(409, #""validity_seconds": 20"#)
      let sendAt = Timestamp.now() + .seconds(3600)
      // It is alone then.
      try await expect(202, #""validity_seconds": 30, "send_at": "\#(sendAt)""#)
      try await expect(409, #""validity_seconds": 10, "send_at": "\#(sendAt)""#)
      try await expect(202, #""validity_seconds": 40"#)
    }
  }
}
