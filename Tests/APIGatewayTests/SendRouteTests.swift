import Contracts
import Testing

@testable import APIGateway

@Suite("Sending routes")
struct SendRouteTests {
  @Test(
    "Every route and either predecessor's names are accepted",
    arguments: [
      ("/api/sms", #"{"recipient": "91234567", "content": "Hi"}"#),
      ("/api/sms/", #"{"phone": "91234567", "text": "Hi"}"#),
      ("/api/sms/send", #"{"phone": "91234567", "text": "Hi"}"#),
      ("/api/sms/send-bulk", #"{"recipients": ["91234567"], "content": "Hi"}"#),
    ])
  func accepted(_ path: String, _ body: String) async throws {
    try await GatewayFixture.run { gateway in
      let answer = try await gateway.post(path, body)
      #expect(answer.status == 202, "\(answer.body)")
      #expect(answer.bool("success") == true)
      #expect(answer.bool("queued") == true)
      let id = answer.string("message_id")
      #expect(answer.string("data.id") == id)
      #expect(answer.headers["location"] == "/api/sms/\(id ?? "")")
      #expect(answer.string("data.status") == "pending")
      #expect(answer.string("data.recipient") == "+85291234567")
      #expect(answer.string("data.class") == "normal")
      #expect(answer.string("data.encoding") == "gsm7")
      #expect(answer.number("data.total") == 1)
      #expect(answer.number("data.segments") == 1)
      #expect(answer.list("data.rejected")?.isEmpty == true)
      #expect(answer.list("data.duplicates")?.isEmpty == true)
      #expect(answer["data.queue_position"] == .null)
      #expect(answer.headers["content-type"]?.hasPrefix("application/json") == true)
    }
  }

  @Test("The fact carries the whole request, and the caller's request id")
  func fact() async throws {
    try await GatewayFixture.run { gateway in
      let answer = try await gateway.post(
        "/api/sms/send-bulk",
        #"{"recipients": ["91234567", "+852 9123 4567", "91234568"], "content": "你好", "class": "urgent", "reference": "r1"}"#,
        headers: [
          "X-Request-ID": "caller-1", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ])
      #expect(answer.headers["x-request-id"] == "caller-1")
      let facts = try gateway.publisher.accepted()
      #expect(facts.count == 1)
      let fact = try #require(facts.first)
      #expect(fact.header.requestID == "caller-1")
      #expect(fact.header.traceparent?.hasPrefix("00-0af7") == true)
      #expect(fact.header.id.description == answer.string("message_id"))
      #expect(fact.body.messageID.description == answer.string("message_id"))
      #expect(fact.body.userID == gateway.user.userID)
      #expect(fact.body.weight == 2)
      #expect(fact.body.recipients == ["+85291234567", "+85291234568"])
      #expect(fact.body.content == "你好")
      #expect(fact.body.encoding == "ucs2")
      #expect(fact.body.messageClass == .urgent)
      #expect(fact.body.reference == "r1")
      #expect(answer.list("data.duplicates") == [.string("+85291234567")])
    }
  }

  @Test("Ten thousand recipients are one fact and one more is refused")
  func tenThousand() async throws {
    try await GatewayFixture.run { gateway in
      let numbers = (0..<10_001).map { "\"+8529\(1_000_000 + $0)\"" }
      let full = "{\"content\": \"Hi\", \"recipients\": [\(numbers.prefix(10_000).joined(separator: ","))]}"
      let answer = try await gateway.post("/api/sms/send-bulk", full)
      #expect(answer.status == 202)
      #expect(answer.number("data.total") == 10_000)
      #expect(answer.string("data.class") == "bulk")
      #expect(try gateway.publisher.accepted().map(\.body.recipients.count) == [10_000])
      let over = "{\"content\": \"Hi\", \"recipients\": [\(numbers.joined(separator: ","))]}"
      #expect(try await gateway.post("/api/sms/send-bulk", over).string("error.details.0.code") == "too_many")
    }
  }

  @Test("Known heads give a position and times")
  func position() async throws {
    try await GatewayFixture.run { gateway in
      gateway.queue.apply(.waiting(101, of: gateway.user.userID))
      let answer = try await gateway.post("/api/sms", #"{"recipient": "91234567", "content": "Hi"}"#)
      #expect(answer.number("data.queue_position") == 101)
      let wait = try #require(answer.number("data.estimated_wait_seconds"))
      #expect((49...50.5).contains(wait), "half a second each, from the moment of the heads on")
      #expect(answer.string("data.estimated_start_at") != nil)
      #expect(answer.string("data.estimated_complete_at") != nil)
      #expect(answer.string("data.estimate.as_of") != nil)
      let next = try await gateway.post("/api/sms", #"{"recipient": "91234567", "content": "Hi"}"#)
      #expect(next.number("data.queue_position") == 102)
    }
  }

  @Test("A broker that does not confirm is a 503 within three seconds that names the message")
  func notConfirmed() async throws {
    try await GatewayFixture.run { gateway in
      gateway.publisher.state.withLockedValue { $0.isSilent = true }
      let start = ContinuousClock.now
      let answer = try await gateway.post("/api/sms", #"{"recipient": "91234567", "content": "Hi"}"#)
      #expect(ContinuousClock.now - start < .seconds(3))
      #expect(answer.status == 503)
      #expect(answer.string("error.code") == "SERVICE_UNAVAILABLE")
      #expect(answer.headers["retry-after"] == "1")
      #expect(answer.string("error.details.0.message_id").flatMap { MessageID($0) } != nil)
    }
  }
}
