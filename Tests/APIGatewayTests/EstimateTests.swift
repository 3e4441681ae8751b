import Contracts
import Testing

@testable import APIGateway

@Suite("Estimates")
struct EstimateTests {
  private static let single = #"{"recipient": "91234567", "content": "Hi"}"#

  /// The names of an answer's `data`, in order.
  private static func names(_ answer: RawHTTP.Answer) -> [String]? {
    if case .object(let members) = answer["data"] { members.map(\.name) } else { nil }
  }

  @Test("An estimate says what a send says next, and counts and publishes nothing")
  func same() async throws {
    try await GatewayFixture.run { gateway in
      gateway.queue.apply(.waiting(101, of: gateway.user.userID))
      let estimates = [
        try await gateway.post("/api/sms/estimate", Self.single),
        try await gateway.post("/api/sms/estimate", Self.single),
      ]
      #expect(try gateway.publisher.accepted().isEmpty)
      let sent = try await gateway.post("/api/sms", Self.single)
      for estimate in estimates {
        #expect(estimate.status == 200, "\(estimate.body)")
        #expect(estimate.bool("success") == true)
        #expect(estimate.bool("queued") == false)
        #expect(estimate["message_id"] == .null)
        #expect(estimate["data.id"] == .null)
        #expect(estimate.headers["location"] == nil)
        #expect(Self.names(estimate) == Self.names(sent))
        for name in ["queue_position", "segments", "encoding", "recipient", "total", "class", "rejected", "duplicates"]
        {
          #expect(estimate["data.\(name)"] == sent["data.\(name)"], "\(name)")
        }
        #expect(estimate.number("data.queue_position") == 101)
        #expect(estimate.string("data.estimated_complete_at") == sent.string("data.estimated_complete_at"))
        #expect(estimate.string("data.estimate.high") == sent.string("data.estimate.high"))
      }
      #expect(try await gateway.post("/api/sms/estimate", Self.single).number("data.queue_position") == 102)
    }
  }

  @Test("Users who send for the first time get the place that they would get")
  func newFlow() async throws {
    try await GatewayFixture.run { gateway in
      gateway.queue.apply(.waiting(50, of: .timeOrdered()))
      let body = #"{"recipients": ["91234567", "91234568", "91234569"], "content": "Hi"}"#
      let estimate = try await gateway.post("/api/sms/estimate", body)
      let sent = try await gateway.post("/api/sms/send-bulk", body)
      #expect(estimate.number("data.queue_position") != nil)
      #expect(estimate["data.queue_position"] == sent["data.queue_position"])
      #expect(estimate["data.estimate"] == sent["data.estimate"])
    }
  }

  @Test("Every body that can be sent can be estimated, with its options")
  func bodies() async throws {
    try await GatewayFixture.run { gateway in
      let sendAt = Timestamp.now() + .seconds(3600)
      let bulk = try await gateway.post(
        "/api/sms/estimate",
        """
        {"recipients": ["91234567", "x", "+852 9123 4567", "91234568"], "content": "你好", "on_invalid": "skip",
         "provider": "provider1", "class": "urgent", "send_at": "\(sendAt)", "validity_seconds": 60, "reference": "r"}
        """)
      #expect(bulk.status == 200, "\(bulk.body)")
      #expect(bulk.number("data.total") == 2)
      #expect(bulk.string("data.rejected.0.phone") == "x")
      #expect(bulk.list("data.duplicates") == [.string("+85291234567")])
      #expect(bulk.string("data.encoding") == "ucs2")
      #expect(bulk.list("data.ucs2_characters") == [.string("你"), .string("好")])
      #expect(bulk.string("data.class") == "urgent")
      #expect(bulk.string("provider") == "provider1")
      #expect(bulk.string("data.send_at") == sendAt.description)
      #expect(bulk.string("data.expires_at") == (sendAt + .seconds(60)).description)
      #expect(bulk["data.queue_position"] == .null)
      let short = try await gateway.post("/api/sms/estimate", #"{"phone": "91234567", "text": "Hi"}"#)
      #expect(short.status == 200)
      #expect(short.string("data.recipient") == "+85291234567")
      #expect(try gateway.publisher.accepted().isEmpty)
    }
  }

  @Test(
    "What could not be sent cannot be estimated, for the same reason",
    arguments: [
      ("{", "INVALID_JSON", nil), ("{}", "MISSING_FIELDS", "recipient"),
      (#"{"recipients": [], "content": "Hi"}"#, "INVALID_FIELD", "recipients"),
      (#"{"recipients": ["91234567", "x"], "content": "Hi"}"#, "INVALID_RECIPIENTS", "recipients[1]"),
      (#"{"recipients": ["91234567"], "text": "Hi"}"#, "MISSING_FIELDS", "content"),
      (#"{"phone": "91234567", "text": "Hi", "provider": "nobody"}"#, "INVALID_FIELD", "provider"),
    ])
  func refused(_ body: String, _ code: String, _ field: String?) async throws {
    try await GatewayFixture.run { gateway in
      let answer = try await gateway.post("/api/sms/estimate", body)
      #expect(answer.status == 400)
      #expect(answer.string("error.code") == code)
      if let field { #expect(answer.string("error.details.0.field") == field) }
      #expect(try await gateway.post("/api/sms/estimate?x=1", Self.single).status == 400)
      #expect(try await gateway.http.request("POST", "/api/sms/estimate", body: Self.single).status == 401)
      #expect(try await gateway.get("/api/sms/estimate").status == 405)
    }
  }
}
