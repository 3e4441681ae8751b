import Contracts
import Testing

@testable import APIGateway

@Suite("Options of sending")
struct SendOptionTests {
  private static func body(_ options: String) -> String { #"{"phone": "91234567", "text": "Hi", \#(options)}"# }

  @Test("Times and provider are in the fact and in the answer, on every route")
  func accepted() async throws {
    try await GatewayFixture.run { gateway in
      let sendAt = Timestamp.now() + .seconds(3600)
      let options = #""send_at": "\#(sendAt)", "validity_seconds": 60, "provider": "provider1""#
      let answers = [
        try await gateway.post("/api/sms", Self.body(options)),
        try await gateway.post("/api/sms/send", Self.body(options)),
        try await gateway.post(
          "/api/sms/send-bulk", #"{"recipients": ["91234567"], "content": "Hi", \#(options)}"#),
        try await gateway.post("/api/sms/provider1", Self.body(options)),
      ]
      for answer in answers {
        #expect(answer.status == 202, "\(answer.body)")
        #expect(answer.string("provider") == "provider1")
        #expect(answer.string("data.send_at") == sendAt.description)
        #expect(answer.string("data.expires_at") == (sendAt + .seconds(60)).description)
      }
      let facts = try gateway.publisher.accepted().map(\.body)
      #expect(facts.count == 4)
      for fact in facts {
        #expect(fact.provider == "provider1")
        #expect(fact.sendAt?.description == sendAt.description)
        #expect(fact.expiresAt?.description == (sendAt + .seconds(60)).description)
      }
    }
  }

  @Test("The route of a provider pins to it, and knows no other")
  func pinned() async throws {
    try await GatewayFixture.run { gateway in
      let plain = #"{"phone": "91234567", "text": "Hi"}"#
      #expect(try await gateway.post("/api/sms/provider2", plain).string("provider") == "provider2")
      let other = try await gateway.post("/api/sms/provider2", Self.body(#""provider": "provider1""#))
      #expect(other.status == 400)
      #expect(other.string("error.details.0.field") == "provider")
      #expect(try await gateway.post("/api/sms/nobody", plain).status == 404)
      let message = try await gateway.post("/api/sms/\(MessageID.timeOrdered())", plain)
      #expect(message.status == 405)
      #expect(message.headers["allow"] == "DELETE, GET, HEAD")
      #expect(try gateway.publisher.accepted().map(\.body.provider) == ["provider2"])
    }
  }

  @Test(
    "What is wrong is named and nothing is accepted",
    arguments: [
      (#""provider": "nobody""#, "provider", "unknown_provider"), (#""provider": 1"#, "provider", "wrong_type"),
      (#""send_at": "tomorrow""#, "send_at", "not_a_time"), (#""send_at": 1800000000"#, "send_at", "wrong_type"),
      (#""send_at": "2126-01-01T00:00:00Z""#, "send_at", "too_late"),
      (#""expires_at": "2020-01-01T00:00:00Z""#, "expires_at", "in_the_past"),
      (#""validity_seconds": 0"#, "validity_seconds", "out_of_range"),
      (#""validity_seconds": 1.5"#, "validity_seconds", "out_of_range"),
      (#""validity_seconds": 1e300"#, "validity_seconds", "out_of_range"),
      (#""validity_seconds": "60""#, "validity_seconds", "wrong_type"),
      (#""expires_at": "2126-01-01T00:00:00Z", "validity_seconds": 60"#, "validity_seconds", "conflict"),
      (#""reject_if_late": true"#, "reject_if_late", "no_expiry"),
      (#""reject_if_late": 1, "validity_seconds": 60"#, "reject_if_late", "wrong_type"),
      (#""validity_seconds": 60, "reject_late": true"#, "reject_late", "unknown_field"),
    ])
  func refused(_ options: String, _ field: String, _ code: String) async throws {
    try await GatewayFixture.run { gateway in
      let answer = try await gateway.post("/api/sms", Self.body(options))
      #expect(answer.status == 400)
      #expect(answer.string("error.code") == "INVALID_FIELD")
      #expect(answer.string("error.details.0.field") == field)
      #expect(answer.string("error.details.0.code") == code)
      #expect(try gateway.publisher.accepted().isEmpty)
    }
  }

  @Test("Null asks for nothing")
  func null() async throws {
    try await GatewayFixture.run { gateway in
      let options =
        #""send_at": null, "expires_at": null, "validity_seconds": null, "provider": null, "reject_if_late": null"#
      #expect(try await gateway.post("/api/sms", Self.body(options)).status == 202)
      let fact = try #require(try gateway.publisher.accepted().first?.body)
      #expect(fact.sendAt == nil)
      #expect(fact.expiresAt == nil)
      #expect(fact.provider == nil)
    }
  }
}
