import Contracts
import Foundation
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import APIGateway

@Suite("Ends and limits of event streams")
struct EventStreamLimitTests {
  private let facts = EventFacts()

  @Test("A client that does not read is sent away, and the others go on")
  func slow() async throws {
    var settings = GatewaySettings()
    settings.events.write = .seconds(1)
    try await GatewayFixture.run(settings: settings, ring: EventRing(byteLimit: 1_000_000)) { gateway in
      let user = gateway.user.userID
      let reading = try await EventClient.open(gateway.http, token: GatewayFixture.token)
      let slow = try EventClient.start(gateway.http, token: GatewayFixture.token, receiveBuffer: 4_096)
      try await eventually("both are open") { gateway.events.slots.count == 2 }
      let ids = [MessageID.timeOrdered()]
      try gateway.offer(1, facts.accepted(ids[0], of: user))
      var offset: UInt64 = 1
      let deadline = ContinuousClock.now + .seconds(30)
      while gateway.events.slots.count == 2, ContinuousClock.now < deadline {
        offset += 1
        try gateway.offer(
          offset,
          UnitsDispatched(
            units: (0..<200).map {
              .init(attempt: AttemptID(unit: UnitID(messageID: ids[0], index: $0), dispatch: 0), provider: "hkt")
            }, dispatchedAt: facts.now))
        try await Task.sleep(for: .milliseconds(5))
      }
      #expect(gateway.events.slots.count == 1, "after \(offset) facts")
      #expect(!reading.isClosed)
      let last = offset
      try await eventually(within: .seconds(30), "the other one has seen all") { reading.lastID == "\(last)" }
      slow.close()
    }
  }

  @Test("When more happens than can be kept, nobody goes on behind it without being told")
  func overflow() async throws {
    let (mine, foreign) = (MessageID.timeOrdered(), MessageID.timeOrdered())
    let isAsked = NIOLockedValueBox(false)
    let gate = RefreshSignal()
    try await GatewayFixture.run(owners: { ids in
      isAsked.withLockedValue { $0 = true }
      await gate.wait(atMost: .seconds(5))
      return Dictionary(uniqueKeysWithValues: ids.map { ($0, UserID.timeOrdered()) })
    }) { gateway in
      let client = try await EventClient.open(gateway.http, token: GatewayFixture.token)
      try gateway.offer(1, facts.accepted(mine, of: gateway.user.userID))
      try await client.events(1)
      try gateway.offer(2, facts.dispatched(foreign))
      try await eventually("the feed waits for an owner") { isAsked.withLockedValue { $0 } }
      let body = try Wire.encode(Envelope(facts.sent(mine)))
      for offset: UInt64 in 3...9_000 {
        gateway.feed.offer(LiveFeed.Raw(offset: offset, type: .unitChanged, body: body))
      }
      gate.ring()
      try await eventually("the stream ends, for its client to come back") { client.isClosed }
      #expect(client.events.map(\.id) == ["1"], "and nothing from behind the gap is shown before")
      for place in [2, 3, 5_000] {
        let again = try await EventClient.open(
          gateway.http, token: GatewayFixture.token, query: "?last_event_id=\(place)")
        let first = try await again.events(1)
        #expect(first.first?.name == "reset", "from \(place)")
      }
    }
  }

  @Test("There are so many streams for a user and so many in all, and a client that leaves makes room")
  func limits() async throws {
    var settings = GatewaySettings()
    settings.events.streams = 3
    settings.events.streamsPerUser = 2
    try await GatewayFixture.run(settings: settings) { gateway in
      let first = try await EventClient.open(gateway.http, token: GatewayFixture.token)
      let second = try await EventClient.open(gateway.http, token: GatewayFixture.token)
      let third = try await gateway.get("/api/events")
      #expect(third.status == 429 && third.string("error.code") == "RATE_LIMITED")
      #expect(third.headers["retry-after"] == "5")
      let admin = try await EventClient.open(gateway.http, token: GatewayFixture.adminToken)
      let fourth = try await gateway.admin("GET", "/api/events")
      #expect(fourth.status == 503 && fourth.headers["retry-after"] == "5")
      second.close()
      try await eventually("there is room again") { gateway.events.slots.count == 2 }
      let again = try await EventClient.open(gateway.http, token: GatewayFixture.token)
      let head = try await gateway.http.request("HEAD", "/api/events", token: "none")
      #expect(head.status == 401)
      withExtendedLifetime((first, admin, again)) {}
    }
  }

  @Test("The stream of a user who is disabled ends within five seconds")
  func disabled() async throws {
    try await GatewayFixture.run { gateway in
      let client = try await EventClient.open(gateway.http, token: GatewayFixture.token)
      gateway.directory.withLockedValue {
        $0.apply(UserChanged(userID: gateway.user.userID, isActive: false, weight: 1))
      }
      try await eventually(within: .seconds(5), "the stream ends") { client.isClosed }
      #expect(client.text.hasSuffix("0\r\n\r\n"), "as a whole answer")
    }
  }

  @Test("The stream of a user who is disabled ends as soon when its client does not read")
  func disabledAndBlocked() async throws {
    try await GatewayFixture.run { gateway in
      let witness = try await EventClient.open(gateway.http, token: GatewayFixture.adminToken)
      let blocked = try EventClient.start(gateway.http, token: GatewayFixture.token, receiveBuffer: 4_096)
      try await eventually("both are open") { gateway.events.slots.count == 2 }
      let id = MessageID.timeOrdered()
      try gateway.offer(1, facts.accepted(id, of: gateway.user.userID))
      let body = try Wire.encode(
        Envelope(
          UnitsDispatched(
            units: (0..<200).map {
              .init(attempt: AttemptID(unit: UnitID(messageID: id, index: $0), dispatch: 0), provider: "hkt")
            }, dispatchedAt: facts.now)))
      for offset: UInt64 in 2...600 {
        gateway.feed.offer(LiveFeed.Raw(offset: offset, type: .unitDispatched, body: body))
      }
      try await eventually("who reads has all") { witness.lastID == "600" }
      gateway.directory.withLockedValue {
        $0.apply(UserChanged(userID: gateway.user.userID, isActive: false, weight: 1))
      }
      try await eventually(within: .seconds(5), "the stream ends") { gateway.events.slots.count == 1 }
      blocked.read()
      try await eventually("the connection is closed") { blocked.isClosed }
      #expect(blocked.lastID != "600", "it was blocked before the end")
    }
  }

  @Test("A stream without news shows a sign of life and the place it has reached")
  func keepAlive() async throws {
    var settings = GatewaySettings()
    settings.events.keepAlive = .milliseconds(100)
    try await GatewayFixture.run(settings: settings) { gateway in
      let client = try await EventClient.open(gateway.http, token: GatewayFixture.token)
      try gateway.offer(41, facts.accepted(.timeOrdered(), of: .timeOrdered()))
      try await eventually("the place is told") { client.lastID == "41" }
      #expect(client.events.isEmpty)
    }
  }

  @Test("A shutdown ends all streams at once")
  func shutdown() async throws {
    let clients = NIOLockedValueBox<[EventClient]>([])
    let asked = NIOLockedValueBox(ContinuousClock.now)
    try await GatewayFixture.run { gateway in
      for _ in 0..<3 {
        let client = try await EventClient.open(gateway.http, token: GatewayFixture.token)
        clients.withLockedValue { $0.append(client) }
      }
      asked.withLockedValue { $0 = .now }
    }
    #expect(ContinuousClock.now - asked.withLockedValue { $0 } < .seconds(2))
    try await eventually("they are closed") { clients.withLockedValue { $0.allSatisfy(\.isClosed) } }
  }

  @Test("Who has no token gets no stream")
  func unauthorized() async throws {
    try await GatewayFixture.run { gateway in
      let nobody = try await gateway.http.request("GET", "/api/events")
      let unknown = try await gateway.get("/api/events?bogus=1")
      #expect(nobody.status == 401 && unknown.status == 400)
    }
  }
}
