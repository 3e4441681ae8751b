import Contracts
import Foundation
import Testing

@testable import APIGateway

@Suite("Lists of single SMS")
struct RequestRouteTests {
  private static let start = Timestamp("2026-11-01T00:00:00Z") ?? .now()

  private static func ids(_ answer: RawHTTP.Answer) -> [String] {
    (answer.list("data.requests") ?? []).indices.compactMap { answer.string("data.requests.\($0).id") }
  }

  /// All pages of a list, one after the other.
  private static func all(_ gateway: GatewayFixture, _ query: String) async throws -> [String] {
    var seen: [String] = []
    var cursor = ""
    repeat {
      let answer = try await gateway.get("/api/sms/requests?\(query)\(cursor)")
      #expect(answer.status == 200, "\(answer.body)")
      seen += ids(answer)
      cursor = answer.string("data.next_cursor").map { "&cursor=\($0)" } ?? ""
    } while !cursor.isEmpty
    return seen
  }

  private static func expectFields(_ answer: RawHTTP.Answer, at path: String) {
    for name in ["id", "message_id", "phone", "text", "status", "provider_used", "created_at", "updated_at"] {
      #expect(answer.string("\(path).\(name)") != nil, "\(name)")
    }
    #expect(answer.number("\(path).attempts") != nil)
  }

  @Test("An SMS is shown with every answer of a provider, by its own id or by its message's")
  func one() async throws {
    try await ReadTables.run { gateway in
      let id = MessageID.timeOrdered()
      try await ReadTables.insert(id, user: gateway.user.userID, total: 2, sent: 1, into: gateway.pool)
      try await gateway.pool.query(
        """
        INSERT INTO projection.attempts_read VALUES
          (\(id.uuid), 0, 1, 'provider1', 'retryable', 503, 'busy', 'http_503', now(), now()),
          (\(id.uuid), 0, 2, 'provider2', 'accepted', 200, '200 OK', NULL, now(), now())
        """)
      let list = try await gateway.get("/api/sms/requests")
      #expect(Self.ids(list) == ["\(id).0", "\(id).1"], "\(list.body)")
      Self.expectFields(list, at: "data.requests.0")
      #expect(list["data.next_cursor"] == .null)
      let bare = try await gateway.get("/api/sms/requests/\(id)")
      #expect(bare.status == 200, "\(bare.body)")
      Self.expectFields(bare, at: "data")
      #expect(bare.string("data.id") == "\(id).0")
      #expect(bare.string("data.message_id") == id.description)
      #expect(bare.list("data.responses")?.count == 2)
      #expect(bare.number("data.responses.0.attempt") == 1)
      #expect(bare.string("data.responses.0.outcome") == "retryable")
      #expect(bare.number("data.responses.1.attempt") == 2)
      #expect(bare.string("data.responses.1.provider") == "provider2")
      #expect(bare.number("data.responses.1.status_code") == 200)
      #expect(bare.string("data.responses.1.response_data") == "200 OK")
      #expect(bare.string("data.responses.1.created_at") != nil)
      let second = try await gateway.get("/api/sms/requests/\(id).1")
      #expect(second.string("data.status") == "pending" && second.list("data.responses") == [])
      #expect(second.string("data.phone") == "+85291234501")
      for bad in [
        "\(id).2", "\(id).x", "\(id).01", "\(id).0.0", "x", "recipients", MessageID.timeOrdered().description,
      ] {
        let status = try await gateway.get("/api/sms/requests/\(bad)").status
        // Of an id that may still come nobody says that it does not exist.
        #expect(status == 404 || bad.count == 36 && status == 503, "\(bad) \(status)")
      }
    }
  }

  @Test("Another user's SMS is not there, but for an admin, and nothing is sent to this path")
  func foreign() async throws {
    try await ReadTables.run { gateway in
      let id = MessageID.timeOrdered()
      try await ReadTables.insert(id, user: .timeOrdered(), total: 1, into: gateway.pool)
      #expect(try await gateway.get("/api/sms/requests/\(id)").status == 404)
      #expect(try await gateway.get("/api/sms/requests/\(id).0").status == 404)
      #expect(Self.ids(try await gateway.get("/api/sms/requests")).isEmpty)
      #expect(try await gateway.admin("GET", "/api/sms/requests/\(id)").status == 200)
      let body = #"{"phone": "91234567", "text": "Hi"}"#
      #expect(try await gateway.post("/api/sms/requests", body).status == 405)
      #expect(try await gateway.post("/api/sms/requests/\(id)", body).status == 405)
      #expect(gateway.publisher.state.withLockedValue { $0.messages.isEmpty })
      #expect(try await gateway.get("/api/sms/provider1/status").status == 200, "other routes stay what they were")
    }
  }

  @Test("One that was just accepted is waited for")
  func fresh() async throws {
    try await ReadTables.run { gateway in
      let id = MessageID.timeOrdered()
      let late = Task {
        try await Task.sleep(for: .milliseconds(200))
        try await ReadTables.insert(id, user: gateway.user.userID, total: 1, into: gateway.pool)
      }
      let answer = try await gateway.get("/api/sms/requests/\(id)")
      try await late.value
      #expect(answer.status == 200, "\(answer.body)")
    }
  }

  @Test("Filters let through what they name")
  func filters() async throws {
    try await ReadTables.run { gateway in
      try await ReadTables.insertMany(60, user: gateway.user.userID, from: Self.start, into: gateway.pool)
      try await gateway.pool.query(
        "UPDATE projection.recipients_read SET provider = 'rare' WHERE message_id = \(UUID(uuidString: ReadTables.id(4)))"
      )
      let all = (0..<60).reversed()
      func expected(_ isIn: (Int) -> Bool) -> [String] { all.filter(isIn).map { "\(ReadTables.id($0)).0" } }
      #expect(try await Self.all(gateway, "limit=7") == expected { _ in true })
      #expect(try await Self.all(gateway, "status=failed&limit=5") == expected { $0 % 5 == 0 })
      #expect(try await Self.all(gateway, "status=pending") == expected { $0 % 5 != 0 && $0 % 7 == 0 })
      #expect(try await Self.all(gateway, "status=sent&provider=rare") == expected { $0 == 4 })
      #expect(try await Self.all(gateway, "provider=nobody").isEmpty)
      #expect(
        try await Self.all(gateway, "from=2026-11-01T00:00:10Z&to=2026-11-01T00:00:12Z&limit=2")
          == expected { (10...12).contains($0) })
      for bad in ["status=lost", "from=x", "limit=0", "cursor=x", "page=1", "cursor=1.\(MessageID.timeOrdered())"] {
        #expect(try await gateway.get("/api/sms/requests?\(bad)").status == 400, "\(bad)")
      }
    }
  }

  @Test("Pages end within messages of many SMS, and what is new changes none of them")
  func paging() async throws {
    try await ReadTables.run { gateway in
      let user = gateway.user.userID
      let ids = (0..<5).map { MessageID.timeOrdered(at: .now() + .seconds(Double($0 - 60))) }
      for id in ids { try await ReadTables.insert(id, user: user, total: 5, sent: 2, into: gateway.pool) }
      var seen: [String] = []
      var cursor = ""
      repeat {
        let answer = try await gateway.get("/api/sms/requests?limit=3\(cursor)")
        seen += Self.ids(answer)
        try await ReadTables.insert(.timeOrdered(), user: user, total: 2, into: gateway.pool)
        cursor = answer.string("data.next_cursor").map { "&cursor=\($0)" } ?? ""
      } while !cursor.isEmpty
      #expect(seen == ids.reversed().flatMap { id in (0..<5).map { "\(id).\($0)" } })
    }
  }

  @Test("What is rare is found in the end, by pages that may be empty")
  func rare() async throws {
    try await ReadTables.run { gateway in
      let count = ReadStore.requestWindow * 2 + 100
      try await ReadTables.insertMany(count, user: gateway.user.userID, from: Self.start, into: gateway.pool)
      try await gateway.pool.query(
        "UPDATE projection.recipients_read SET provider = 'rare' WHERE message_id = \(UUID(uuidString: ReadTables.id(4)))"
      )
      let first = try await gateway.get("/api/sms/requests?provider=rare")
      #expect(Self.ids(first).isEmpty && first.string("data.next_cursor") != nil)
      #expect(try await Self.all(gateway, "provider=rare") == ["\(ReadTables.id(4)).0"])
    }
  }
}
