import Contracts
import Foundation
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import APIGateway

@Suite("Event streams")
struct EventStreamTests {
  private let now = Timestamp.now()

  private func accepted(_ id: MessageID, of user: UserID) -> MessageAccepted {
    MessageAccepted(
      messageID: id, userID: user, messageClass: .normal, content: "the secret text", recipients: ["+85291234567"],
      segments: 1, encoding: "gsm7", reference: "r1", acceptedAt: now)
  }

  private func dispatched(_ ids: MessageID...) -> UnitsDispatched {
    UnitsDispatched(
      units: ids.map { .init(attempt: AttemptID(unit: UnitID(messageID: $0, index: 0), dispatch: 0), provider: "hkt") },
      dispatchedAt: now)
  }

  private func sent(_ id: MessageID) -> UnitsChanged {
    UnitsChanged(units: [
      UnitChange(
        attempt: AttemptID(unit: UnitID(messageID: id, index: 0), dispatch: 0), state: .sent, dispatch: 0,
        attemptsUsed: 1, provider: "hkt", outcome: .accepted, reply: ProviderReply(status: 200, body: "a reply"),
        finishedAt: now)
    ])
  }

  @Test("A user sees their own messages, an admin everybody's, nobody numbers or texts")
  func audience() async throws {
    try await GatewayFixture.run { gateway in
      let (mine, others) = (MessageID.timeOrdered(), MessageID.timeOrdered())
      let client = try await EventClient.open(gateway.http, token: GatewayFixture.token)
      let admin = try await EventClient.open(gateway.http, token: GatewayFixture.adminToken)
      #expect(client.text.lowercased().contains("content-type: text/event-stream"))
      #expect(client.text.lowercased().contains("cache-control: no-store"))
      #expect(client.text.lowercased().contains("x-accel-buffering: no"))
      try gateway.offer(10, accepted(others, of: .timeOrdered()))
      try gateway.offer(11, dispatched(others))
      try gateway.offer(12, accepted(mine, of: gateway.user.userID))
      try gateway.offer(13, dispatched(others, mine))
      try gateway.offer(14, sent(mine))
      let seen = try await client.events(3)
      #expect(seen.map(\.name) == ["message.accepted", "units", "units"])
      #expect(seen.map { $0.string("id") } == [mine.description, mine.description, mine.description])
      #expect(seen.map(\.id) == ["12", "13", "14"])
      #expect(seen[0].string("reference") == "r1" && seen[0].number("total") == 1)
      #expect(seen[1].string("units.0.status") == "sending" && seen[1].string("units.0.provider") == "hkt")
      #expect(seen[2].string("units.0.status") == "sent" && seen[2].string("units.0.sent_at") == now.description)
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
      try gateway.offer(1, dispatched(known, foreign))
      try gateway.offer(2, sent(known))
      let seen = try await client.events(2)
      #expect(seen.map { $0.string("id") } == [known.description, known.description])
      #expect(questions.withLockedValue { $0.count } <= 2, "one question for each batch, and none again")
      // Of what may have been the user's and was not found, nothing is told but that something was.
      try gateway.offer(3, dispatched(nowhere))
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
      try gateway.offer(1, accepted(.timeOrdered(), of: gateway.user.userID))
      try await client.events(1)
      try gateway.offer(2, dispatched(mine))
      try gateway.offer(3, dispatched(foreign))
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
      try gateway.offer(1, accepted(other, of: gateway.user.userID))
      try gateway.offer(2, accepted(one, of: gateway.user.userID))
      try gateway.offer(3, dispatched(other, one))
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
      try gateway.offer(1, accepted(id, of: gateway.user.userID))
      try gateway.offer(2, dispatched(id))
      try await first.events(2)
      first.close()
      for offset in 3...200 { try gateway.offer(UInt64(offset), sent(id)) }
      for headers in [["Last-Event-ID": "2"], [:]] {
        let again = try await EventClient.open(
          gateway.http, token: GatewayFixture.token, query: headers.isEmpty ? "?last_event_id=2" : "?last_event_id=77",
          headers: headers)
        let missed = try await again.events(198)
        try gateway.offer(headers.isEmpty ? 202 : 201, sent(id))
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
      try gateway.offer(1, accepted(id, of: gateway.user.userID))
      for offset in 2...10 { try gateway.offer(UInt64(offset), sent(id)) }
      try await eventually("the first one is told") { first.lastID == "10" || first.isClosed }
      // There is no log to read here.
      let late = try await EventClient.open(gateway.http, token: GatewayFixture.token, query: "?last_event_id=2")
      let reset = try await late.events(1)
      #expect(reset.map(\.name) == ["reset"] && reset[0].id == "10")
      let ahead = try await EventClient.open(
        gateway.http, token: GatewayFixture.token, query: "?last_event_id=9000000000")
      let told = try await ahead.events(1)
      #expect(told.map { $0.string("reason") } == ["too_old"])
      try gateway.offer(11, sent(id))
      let next = try await late.events(2)
      #expect(next[1].id == "11")
    }
  }

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
      try gateway.offer(1, accepted(ids[0], of: user))
      var offset: UInt64 = 1
      let deadline = ContinuousClock.now + .seconds(30)
      while gateway.events.slots.count == 2, ContinuousClock.now < deadline {
        offset += 1
        try gateway.offer(
          offset,
          UnitsDispatched(
            units: (0..<200).map {
              .init(attempt: AttemptID(unit: UnitID(messageID: ids[0], index: $0), dispatch: 0), provider: "hkt")
            }, dispatchedAt: now))
        try await Task.sleep(for: .milliseconds(5))
      }
      #expect(gateway.events.slots.count == 1, "after \(offset) facts")
      #expect(!reading.isClosed)
      let last = offset
      try await eventually("the other one has seen all") { reading.lastID == "\(last)" }
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
      try gateway.offer(1, accepted(mine, of: gateway.user.userID))
      try await client.events(1)
      try gateway.offer(2, dispatched(foreign))
      try await eventually("the feed waits for an owner") { isAsked.withLockedValue { $0 } }
      let body = try Wire.encode(Envelope(sent(mine)))
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
      try gateway.offer(1, accepted(id, of: gateway.user.userID))
      let body = try Wire.encode(
        Envelope(
          UnitsDispatched(
            units: (0..<200).map {
              .init(attempt: AttemptID(unit: UnitID(messageID: id, index: $0), dispatch: 0), provider: "hkt")
            }, dispatchedAt: now)))
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
      try gateway.offer(41, accepted(.timeOrdered(), of: .timeOrdered()))
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

extension GatewayFixture {
  /// Has the log say something.
  func offer<Body: Payload>(_ offset: UInt64, _ fact: Body) throws {
    feed.offer(LiveFeed.Raw(offset: offset, type: Body.type, body: try Wire.encode(Envelope(fact))))
  }
}
