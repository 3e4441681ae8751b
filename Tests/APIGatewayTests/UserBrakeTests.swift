import Contracts
import Foundation
import Testing

@testable import APIGateway

@Suite("What an admin allows a user")
struct UserBrakeTests {
  private static func ann(_ limits: UserLimits) -> Principal {
    Principal(userID: .timeOrdered(), username: "ann", isAdmin: false, weight: 1, limits: limits)
  }

  private static func run(
    _ limits: UserLimits, _ body: @Sendable (GatewayFixture) async throws -> Void
  ) async throws {
    try await GatewayFixture.run(user: ann(limits)) { try await body($0) }
  }

  private static func single(_ options: String = "") -> String {
    #"{"recipient": "91234567", "content": "Hi"\#(options)}"#
  }

  private static let many =
    #"{"recipients": [\#((0..<11).map { #""9123456\#($0 % 10)\#($0 / 10)""# }.joined(separator: ", "))], "content": "Hi", "on_invalid": "skip"}"#

  @Test("A class above theirs is forbidden when they name it, and lowered when they do not")
  func maxClass() async throws {
    try await Self.run(UserLimits(maxClass: .bulk)) { gateway in
      let refused = try await gateway.post("/api/sms", Self.single(#", "class": "normal""#))
      #expect(refused.status == 403)
      #expect(refused.string("error.code") == "FORBIDDEN")
      #expect(refused.string("error.details.0.field") == "class")
      let lowered = try await gateway.post("/api/sms", Self.single())
      #expect(lowered.status == 202)
      #expect(lowered.string("data.class") == "bulk")
      #expect(try await gateway.post("/api/sms", Self.single(#", "class": "bulk""#)).status == 202)
      #expect(try await gateway.post("/api/sms/estimate", Self.single(#", "class": "urgent""#)).status == 403)
    }
    try await Self.run(UserLimits(maxClass: .normal)) { gateway in
      let refused = try await gateway.post("/api/sms", Self.single(#", "class": "urgent""#))
      #expect(refused.status == 403)
      #expect(try await gateway.post("/api/sms", Self.single()).string("data.class") == "normal")
    }
  }

  @Test("A provider that is not theirs is forbidden by option and by path; the only one of theirs acts as a pin")
  func oneProvider() async throws {
    try await Self.run(UserLimits(providers: ["provider2"])) { gateway in
      let refused = try await gateway.post("/api/sms", Self.single(#", "provider": "provider1""#))
      #expect(refused.status == 403)
      #expect(refused.string("error.details.0.field") == "provider")
      #expect(
        try await gateway.post("/api/sms/provider1", #"{"phone": "91234567", "text": "Hi"}"#).status == 403)
      let answer = try await gateway.post("/api/sms", Self.single())
      #expect(answer.string("provider") == "provider2")
      let fact = try #require(try gateway.publisher.accepted().last?.body)
      #expect(fact.provider == "provider2")
      #expect(fact.providers == nil)
    }
  }

  @Test("Several providers go along with the message; one of them may be asked for")
  func severalProviders() async throws {
    try await Self.run(UserLimits(providers: ["gone", "provider1", "provider2"])) { gateway in
      #expect(try await gateway.post("/api/sms", Self.single()).status == 202)
      let fact = try #require(try gateway.publisher.accepted().last?.body)
      #expect(fact.provider == nil)
      #expect(fact.providers == ["provider1", "provider2"])
      #expect(try await gateway.post("/api/sms", Self.single(#", "provider": "provider1""#)).status == 202)
      let pinned = try #require(try gateway.publisher.accepted().last?.body)
      #expect(pinned.provider == "provider1")
      #expect(pinned.providers == nil)
    }
  }

  @Test("When none of their providers is there any more nothing is accepted")
  func noProvider() async throws {
    try await Self.run(UserLimits(providers: ["gone"])) { gateway in
      let refused = try await gateway.post("/api/sms", Self.single())
      #expect(refused.status == 403)
      #expect(refused.string("error.details.0.code") == "no_provider_allowed")
      #expect(gateway.publisher.state.withLockedValue { $0.messages.isEmpty })
    }
  }

  @Test("Without limits nothing is different")
  func none() async throws {
    try await Self.run(UserLimits()) { gateway in
      let answer = try await gateway.post("/api/sms", Self.single(#", "class": "urgent""#))
      #expect(answer.status == 202)
      #expect(try gateway.publisher.accepted().last?.body.providers == nil)
    }
  }

  @Test("A day begins where the installation is, and ends with its midnight")
  func calendar() throws {
    let hongKong = LocalCalendar(zone: try #require(TimeZone(identifier: "Asia/Hong_Kong")))
    let time = try #require(Timestamp("2026-11-21T15:59:30Z"))
    #expect(hongKong.day(of: time) == "2026-11-21")
    #expect(hongKong.untilTomorrow(from: time) == .seconds(30))
    #expect(hongKong.day(of: time + .seconds(30)) == "2026-11-22")
    #expect(hongKong.untilTomorrow(from: time + .seconds(30)) == .seconds(86_400))
    let berlin = LocalCalendar(zone: try #require(TimeZone(identifier: "Europe/Berlin")))
    // The day on which summer time ends has 25 hours.
    let long = try #require(Timestamp("2026-10-24T22:00:00Z"))
    #expect(berlin.untilTomorrow(from: long) == .seconds(90_000))
  }

  @Test("While the database is away a daily limit refuses nobody")
  func withoutDatabase() async throws {
    try await Self.run(UserLimits(dailyLimit: 1)) { gateway in
      for _ in 0..<3 {
        let answer = try await gateway.post("/api/sms", Self.single())
        #expect(answer.status == 202)
      }
    }
  }
}
