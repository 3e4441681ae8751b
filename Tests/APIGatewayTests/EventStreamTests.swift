import Contracts
import Foundation
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import APIGateway

@Suite("Event streams")
struct EventStreamTests {
  private let facts = EventFacts()

  @Test("A user sees their own messages, an admin everybody's, nobody numbers or texts")
  func audience() async throws {
    try await GatewayFixture.run { gateway in
      let (mine, others) = (MessageID.timeOrdered(), MessageID.timeOrdered())
      let client = try await EventClient.open(gateway.http, token: GatewayFixture.token)
      let admin = try await EventClient.open(gateway.http, token: GatewayFixture.adminToken)
      #expect(client.text.lowercased().contains("content-type: text/event-stream"))
      #expect(client.text.lowercased().contains("cache-control: no-store"))
      #expect(client.text.lowercased().contains("x-accel-buffering: no"))
      try gateway.offer(10, facts.accepted(others, of: .timeOrdered()))
      try gateway.offer(11, facts.dispatched(others))
      try gateway.offer(12, facts.accepted(mine, of: gateway.user.userID))
      try gateway.offer(13, facts.dispatched(others, mine))
      try gateway.offer(14, facts.sent(mine))
      let seen = try await client.events(3)
      #expect(seen.map(\.name) == ["message.accepted", "units", "units"])
      #expect(seen.map { $0.string("id") } == [mine.description, mine.description, mine.description])
      #expect(seen.map(\.id) == ["12", "13", "14"])
      #expect(seen[0].string("reference") == "r1" && seen[0].number("total") == 1)
      #expect(seen[1].string("units.0.status") == "sending" && seen[1].string("units.0.provider") == "hkt")
      #expect(seen[2].string("units.0.status") == "sent" && seen[2].string("units.0.sent_at") == facts.now.description)
      let versions = seen.compactMap { $0.number("units.0.version") }
      #expect(versions == [1, 6], "a reader keeps the highest")
      let all = try await admin.events(6)
      #expect(all.map(\.id) == ["10", "11", "12", "12", "13", "14"], "of two events of a fact the last has its id")
      for text in [client.text, admin.text] {
        #expect(!text.contains("91234567") && !text.contains("the secret text") && !text.contains("a reply"))
      }
      #expect(!client.text.contains(others.description))
    }
  }

  @Test("A message's owner is looked up when it is not remembered")
  func lookup() async throws {
    let (known, foreign, nowhere) = (MessageID.timeOrdered(), MessageID.timeOrdered(), MessageID.timeOrdered())
    let owners = NIOLockedValueBox<[MessageID: UserID]>([foreign: .timeOrdered()])
    let questions = NIOLockedValueBox<[[MessageID]]>([])
    try await GatewayFixture.run(owners: { ids in
      questions.withLockedValue { $0.append(ids) }
      return owners.withLockedValue { owners in owners.filter { ids.contains($0.key) } }
    }) { gateway in
      owners.withLockedValue { $0[known] = gateway.user.userID }
      let client = try await EventClient.open(gateway.http, token: GatewayFixture.token)
      try gateway.offer(1, facts.dispatched(known, foreign))
      try gateway.offer(2, facts.sent(known))
      let seen = try await client.events(2)
      #expect(seen.map { $0.string("id") } == [known.description, known.description])
      #expect(questions.withLockedValue { $0.count } <= 2, "one question for each batch, and none again")
      // Of what may have been the user's and was not found, nothing is told but that something was.
      try gateway.offer(3, facts.dispatched(nowhere))
      let reset = try await client.events(1, named: "reset")
      #expect(reset[0].string("reason") == "incomplete" && reset[0].id == "3")
      #expect(!client.text.contains(nowhere.description) && !client.text.contains(foreign.description))
    }
  }

  @Test("Nobody loads anything while the read side is away, and when it is back only whose messages they were")
  func readSideAway() async throws {
    let (mine, foreign) = (MessageID.timeOrdered(), MessageID.timeOrdered())
    let owners = NIOLockedValueBox<[MessageID: UserID]?>(nil)
    let questions = NIOLockedValueBox(0)
    struct Away: Error {}
    var settings = GatewaySettings()
    settings.events.keepAlive = .milliseconds(100)
    settings.events.reloadDelay = .milliseconds(50)
    try await GatewayFixture.run(
      settings: settings,
      owners: { ids in
        questions.withLockedValue { $0 += 1 }
        guard let owners = owners.withLockedValue({ $0 }) else { throw Away() }
        return owners.filter { ids.contains($0.key) }
      }
    ) { gateway in
      let client = try await EventClient.open(gateway.http, token: GatewayFixture.token)
      let other = try await EventClient.open(gateway.http, token: GatewayFixture.token, query: "?message_id=\(foreign)")
      try gateway.offer(1, facts.accepted(.timeOrdered(), of: gateway.user.userID))
      try await client.events(1)
      try gateway.offer(2, facts.dispatched(mine))
      try gateway.offer(3, facts.dispatched(foreign))
      try await eventually("it is asked again") { questions.withLockedValue { $0 } >= 3 }
      #expect(client.lastID == "1", "a client that comes back now comes back for what is missing")
      owners.withLockedValue { $0 = [mine: gateway.user.userID, foreign: .timeOrdered()] }
      let reset = try await client.events(1, named: "reset")
      #expect(reset.count == 1 && reset[0].string("reason") == "incomplete" && reset[0].id == "3")
      try await eventually("the other one goes on") { other.lastID == "3" }
      #expect(other.events.isEmpty)
    }
  }

  @Test("A page that watches one message sees that one alone")
  func filter() async throws {
    try await GatewayFixture.run { gateway in
      let (one, other) = (MessageID.timeOrdered(), MessageID.timeOrdered())
      let client = try await EventClient.open(
        gateway.http, token: GatewayFixture.token, query: "?message_id=\(one)")
      try gateway.offer(1, facts.accepted(other, of: gateway.user.userID))
      try gateway.offer(2, facts.accepted(one, of: gateway.user.userID))
      try gateway.offer(3, facts.dispatched(other, one))
      let seen = try await client.events(2)
      #expect(seen.map { $0.string("id") } == [one.description, one.description])
      let wrong = try await gateway.get("/api/events?message_id=1")
      #expect(wrong.status == 400 && wrong.string("error.details.0.field") == "message_id")
    }
  }

  @Test("A client that comes back sees what it missed, each event once")
  func resume() async throws {
    try await GatewayFixture.run { gateway in
      let id = MessageID.timeOrdered()
      let first = try await EventClient.open(gateway.http, token: GatewayFixture.token)
      try gateway.offer(1, facts.accepted(id, of: gateway.user.userID))
      try gateway.offer(2, facts.dispatched(id))
      try await first.events(2)
      first.close()
      for offset in 3...200 { try gateway.offer(UInt64(offset), facts.sent(id)) }
      for headers in [["Last-Event-ID": "2"], [:]] {
        let again = try await EventClient.open(
          gateway.http, token: GatewayFixture.token, query: headers.isEmpty ? "?last_event_id=2" : "?last_event_id=77",
          headers: headers)
        let missed = try await again.events(198)
        try gateway.offer(headers.isEmpty ? 202 : 201, facts.sent(id))
        let all = try await again.events(headers.isEmpty ? 200 : 199)
        #expect(all.map(\.id) == (3..<(3 + all.count)).map(String.init), "\(missed.count)")
      }
      for (field, answer) in [
        (
          "Last-Event-ID",
          try await gateway.http.request(
            "GET", "/api/events", token: GatewayFixture.token, headers: ["Last-Event-ID": "abc"])
        ),
        ("last_event_id", try await gateway.get("/api/events?last_event_id=-1")),
      ] {
        #expect(answer.status == 400 && answer.string("error.details.0.field") == field, "\(answer.body)")
      }
    }
  }

  @Test("A client that was away for too long is told to load everything anew")
  func tooLate() async throws {
    try await GatewayFixture.run(ring: EventRing(capacity: 3)) { gateway in
      let id = MessageID.timeOrdered()
      let first = try await EventClient.open(gateway.http, token: GatewayFixture.token)
      try gateway.offer(1, facts.accepted(id, of: gateway.user.userID))
      for offset in 2...10 { try gateway.offer(UInt64(offset), facts.sent(id)) }
      try await eventually("the first one is told") { first.lastID == "10" || first.isClosed }
      // There is no log to read here.
      let late = try await EventClient.open(gateway.http, token: GatewayFixture.token, query: "?last_event_id=2")
      let reset = try await late.events(1)
      #expect(reset.map(\.name) == ["reset"] && reset[0].id == "10")
      let ahead = try await EventClient.open(
        gateway.http, token: GatewayFixture.token, query: "?last_event_id=9000000000")
      let told = try await ahead.events(1)
      #expect(told.map { $0.string("reason") } == ["too_old"])
      try gateway.offer(11, facts.sent(id))
      let next = try await late.events(2)
      #expect(next[1].id == "11")
    }
  }
}
