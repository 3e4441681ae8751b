import Contracts
import Foundation
import Testing

@testable import APIGateway

@Suite("The page of the queue")
struct QueuePageTests {
  private static let cookie = "sluice_session_of_a_test"

  private static func head(_ user: UserID, _ messageClass: MessageClass, _ id: Int64, _ backlog: Int) -> FlowHead {
    FlowHead(
      flowID: id, messageClass: messageClass, userID: user, provider: nil, tag: 0, step: 1 << 24, backlog: backlog,
      headNumber: 0)
  }

  private static func heads(_ flows: [FlowHead]) -> QueueChanged {
    QueueChanged(
      asOf: .now(), isComplete: true, epoch: 1, virtualTime: 0,
      classes: [
        ClassHead(messageClass: .normal, tag: 0, backlog: 1_234, virtualTime: 0),
        ClassHead(messageClass: .bulk, tag: 0, backlog: 5, virtualTime: 0),
      ], flows: flows,
      providers: [ProviderPace(provider: "hkt", effectiveRate: 2, nominalRate: 2, state: "healthy", inFlight: 0)],
      globalRate: nil, isSending: true)
  }

  private func get(_ gateway: GatewayFixture, _ path: String, admin: Bool = true) async throws -> RawHTTP.Answer {
    let principal = Principal(userID: .timeOrdered(), username: "root", isAdmin: admin, weight: 1)
    gateway.directory.withLockedValue {
      $0.add(
        TokenDirectory.Record(
          digest: TokenDigest(token: Self.cookie), principal: principal, expiresAt: nil, isUsable: true, kind: .session)
      )
    }
    return try await gateway.http.request("GET", path, headers: ["Cookie": "sluice_session=\(Self.cookie)"])
  }

  @Test("An admin sees who waits with how much, since when and until when, and can hold them back")
  func shown() async throws {
    try await ReadTables.run { gateway in
      let ann = gateway.user.userID
      gateway.queue.apply(Self.heads([Self.head(ann, .normal, 7, 1_234), Self.head(ann, .bulk, 8, 5)]))
      let id = MessageID.timeOrdered()
      try await ReadTables.insert(id, user: ann, total: 2, into: gateway.pool)
      try await gateway.pool.query(
        "UPDATE projection.messages_read SET flow_id = 7, accepted_at = sluice.clock() - interval '10 minutes'")
      try await gateway.pool.query(
        "INSERT INTO projection.flows_read VALUES (7, 'normal', \(ann.uuid), NULL), (8, 'bulk', \(ann.uuid), NULL)")
      let page = try await get(gateway, "/admin/queue")
      #expect(page.status == 200, "\(page.body)")
      let path = "/admin/users/\(ann)"
      for part in [
        ">1,234</td>", "<a href=\"\(path)\">ann</a>", "10 min", "action=\"\(path)/pause\"",
        "formaction=\"\(path)/cancel-all\"", "Normal", "Bulk",
        "href=\"/admin/queue\" aria-current=\"page\"", "data-ask=\"Cancel everything of ann that has not been sent?\"",
        "name=\"next\" value=\"/admin/queue\"",
      ] { #expect(page.body.contains(part), "\(part)") }
      #expect(!page.body.contains("Held back"))
      var held = Self.heads([])
      held.pausedUsers = [ann]
      gateway.queue.apply(held)
      let paused = try await get(gateway, "/admin/queue")
      #expect(paused.body.contains("Held back") && paused.body.contains("action=\"\(path)/resume\""), "\(paused.body)")
      #expect(paused.body.contains("data-ask=\"Cancel everything of ann that"))
      #expect(paused.body.contains("<a href=\"\(path)\">ann</a>") && paused.body.contains("Nobody waits."))
      gateway.queue.apply(Self.heads([Self.head(ann, .normal, 7, 1_234), Self.head(ann, .bulk, 8, 5)]))
      let bulk = try await get(gateway, "/admin/queue?class=bulk")
      #expect(bulk.body.contains(">5</td>") && !bulk.body.contains("10 min"))
      #expect(bulk.body.contains("name=\"next\" value=\"/admin/queue?class=bulk\""), "back to what was looked at")
      #expect(try await get(gateway, "/admin/queue?user_id=\(UserID.timeOrdered())").body.contains("Nobody waits."))
      #expect(try await get(gateway, "/admin/queue?user_id=x").status == 400)
      #expect(try await get(gateway, "/admin/queue", admin: false).status == 403)
    }
  }

  @Test("Without the database it is shown without ages, and of many flows it says how many more there are")
  func withoutDatabase() async throws {
    try await GatewayFixture.run { gateway in
      let ann = UserID.timeOrdered()
      let normal = (0..<110).map { Self.head($0 == 0 ? ann : .timeOrdered(), .normal, $0, 3) }
      gateway.queue.apply(Self.heads(normal + (0..<20).map { Self.head(.timeOrdered(), .bulk, 200 + $0, 3) }))
      let page = try await get(gateway, "/admin/queue")
      #expect(page.status == 200 && page.body.contains("These are the first 100 of 130."), "\(page.body)")
      let some = try await get(gateway, "/admin/queue?class=normal")
      #expect(some.body.contains("These are the first 100 of 110."), "\(some.body)")
      for filter in ["class=bulk", "user_id=\(ann)", "class=normal&user_id=\(ann)"] {
        #expect(try await !get(gateway, "/admin/queue?\(filter)").body.contains("These are the first"), "\(filter)")
      }
    }
  }

  @Test("An age is told in the largest unit that says something")
  func age() throws {
    let text = try PanelText(.english)
    let now = Timestamp.now()
    let ages = [-5, 0, 119, 120, 7_199, 7_200, 172_799, 172_800, 864_000].map {
      QueuePage.age(since: now + .seconds(-$0), now: now, text)
    }
    #expect(ages == ["0 s", "0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 days", "10 days"])
  }
}
