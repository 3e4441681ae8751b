import Contracts
import Foundation
import Testing

@testable import APIGateway

@Suite("Lists of dead letters")
struct DeadLetterListTests {
  private static func ids(_ answer: RawHTTP.Answer) -> [String] {
    (answer.list("data.dead_letters") ?? []).indices.compactMap { answer.string("data.dead_letters.\($0).id") }
  }

  @Test("A letter has all its fields, and its story who wanted what of it and what came of that")
  func fields() async throws {
    try await DeadLetterTables.run { gateway in
      let (user, message) = (gateway.user.userID, MessageID.timeOrdered())
      let id = try await DeadLetterTables.insert(user: user, message: message, into: gateway.pool)
      let replay = UUID()
      try await DeadLetterTables.insertRequest(
        replay, letters: [(id, "dead")], reason: "the outage is over", after: 60, isEnded: true, into: gateway.pool)
      let settling = UUID()
      try await DeadLetterTables.insertRequest(
        settling, kind: "settle", letters: [(id, "refused:wrong_state")], verdict: "sent", after: 120,
        into: gateway.pool)
      let list = try await gateway.admin("GET", "/api/admin/dead-letters")
      #expect(list.status == 200, "\(list.body)")
      #expect(list["data.next_cursor"] == .null)
      let one = try await gateway.admin("GET", "/api/admin/dead-letters/\(id)")
      #expect(one.status == 200, "\(one.body)")
      let attempts = JSONValue.array([
        .object([
          .init(name: "attempt", value: .number(1)), .init(name: "dispatch", value: .number(1)),
          .init(name: "provider", value: .string("first")), .init(name: "outcome", value: .string("retryable")),
          .init(name: "status_code", value: .number(500)), .init(name: "response_data", value: .string("no")),
          .init(name: "error_code", value: .string("http_500")), .init(name: "started_at", value: .null),
          .init(name: "finished_at", value: .string("2026-11-20T08:00:00.000Z")),
        ]),
        .object([
          .init(name: "attempt", value: .number(2)), .init(name: "dispatch", value: .number(3)),
          .init(name: "provider", value: .string("hkt")), .init(name: "outcome", value: .string("unknown")),
          .init(name: "status_code", value: .null), .init(name: "response_data", value: .null),
          .init(name: "error_code", value: .string("timeout")),
          .init(name: "started_at", value: .string("2026-11-20T08:10:00.000Z")),
          .init(name: "finished_at", value: .string("2026-11-20T08:10:30.500Z")),
        ]),
      ])
      let expected: [(String, JSONValue)] = [
        ("id", .string(id.description)), ("status", .string("pending")), ("error_type", .string("timeout")),
        ("error_message", .string("the provider did not answer")), ("message_id", .string(message.description)),
        ("recipient_index", .number(2)), ("phone", .string(DeadLetterTables.phone)),
        ("content", .string("Your \"table\"")), ("segments", .number(1)), ("class", .string("normal")),
        ("reference", .string("booking-1")), ("user_id", .string(user.description)), ("username", .string("ann")),
        ("provider", .string("hkt")), ("pinned_provider", .null), ("sms_status", .string("dead")),
        ("retry_count", .number(2)), ("max_attempts", .number(5)), ("replay_count", .number(0)), ("replay_id", .null),
        ("attempts", attempts), ("created_at", .string("2026-11-20T08:15:30.123Z")),
        ("last_attempt_at", .string("2026-11-20T08:15:30.123Z")), ("close_reason", .null), ("closed_at", .null),
        ("queue", .null), ("times", .null),
      ]
      for (name, value) in expected {
        #expect(list["data.dead_letters.0.\(name)"] == value, "\(name)")
        #expect(one["data.\(name)"] == value, "\(name)")
      }
      guard case .object(let members) = list["data.dead_letters.0"] else {
        Issue.record("no letter")
        return
      }
      #expect(members.map(\.name) == expected.map(\.0))
      #expect(one["data.body"] == nil)
      #expect(one.list("data.requests")?.count == 2)
      #expect(one.string("data.requests.0.id") == replay.uuidString.lowercased())
      #expect(one.string("data.requests.0.kind") == "replay" && one.string("data.requests.0.actor") == "root")
      #expect(one.string("data.requests.0.reason") == "the outage is over")
      #expect(one.string("data.requests.0.class") == "bulk" && one.string("data.requests.0.result") == "dead")
      #expect(one.string("data.requests.0.requested_at") == "2026-11-20T08:16:30.123Z")
      #expect(one.string("data.requests.0.ended_at") == "2026-11-20T08:25:30.123Z")
      #expect(one.string("data.requests.1.verdict") == "sent")
      #expect(one.string("data.requests.1.result") == "refused:wrong_state")
      for name in ["provider", "cancelled_at", "actor_id", "expires_at"] {
        #expect(one["data.requests.0.\(name)"] == .null, "\(name)")
      }
    }
  }

  @Test("Every filter finds what it names and nothing else, alone and with others")
  func filters() async throws {
    try await DeadLetterTables.run { gateway in
      let (ann, bob) = (gateway.user.userID, UserID.timeOrdered())
      let message = MessageID.timeOrdered()
      let first = try await DeadLetterTables.insert(user: ann, message: message, after: 0, into: gateway.pool)
      let second = try await DeadLetterTables.insert(
        unit: "unconfirmed", errorType: "unconfirmed", provider: "other", user: bob, after: 10, into: gateway.pool)
      let third = try await DeadLetterTables.insert(
        state: "abandoned", unit: "failed", user: ann, after: 20, reason: "abandoned", into: gateway.pool)
      let poison = try await DeadLetterTables.insertPoison(after: 30, into: gateway.pool)
      let cases: [(String, [EnvelopeID])] = [
        ("", [poison, third, second, first]), ("status=pending", [poison, second, first]),
        ("status=abandoned", [third]), ("status=replaying", []), ("error_type=timeout", [third, first]),
        ("error_type=poison", [poison]), ("provider=other", [second]), ("user_id=\(ann)", [third, first]),
        ("message_id=\(message)", [first]), ("user_id=\(ann)&status=pending&provider=hkt", [first]),
        ("from=2026-11-20T08:15:40.123Z", [poison, third, second]), ("to=2026-11-20T08:15:40.123Z", [second, first]),
        ("from=2026-11-20T08:15:40.123Z&to=2026-11-20T08:15:40.123Z", [second]),
        ("error_type=none&provider=hkt", []), ("status=&error_type=&cursor=", [poison, third, second, first]),
      ]
      for (filter, expected) in cases {
        let answer = try await gateway.admin("GET", "/api/admin/dead-letters?\(filter)")
        #expect(answer.status == 200, "\(filter): \(answer.body)")
        #expect(Self.ids(answer) == expected.map(\.description), "\(filter)")
      }
      var seen: [String] = []
      var cursor = ""
      repeat {
        let answer = try await gateway.admin("GET", "/api/admin/dead-letters?limit=1\(cursor)")
        #expect(Self.ids(answer).count == 1)
        seen += Self.ids(answer)
        cursor = answer.string("data.next_cursor").map { "&cursor=\($0)" } ?? ""
      } while !cursor.isEmpty
      #expect(seen == [poison, third, second, first].map(\.description))
      let bad = [
        "status": "dead", "error_type": String(repeating: "x", count: 256), "user_id": "bob", "message_id": "1",
        "from": "today", "limit": "0", "cursor": "x",
        "page": "1",
      ]
      for (name, value) in bad {
        let answer = try await gateway.admin("GET", "/api/admin/dead-letters?\(name)=\(value)")
        #expect(answer.status == 400 && answer.string("error.details.0.field") == name, "\(name)")
      }
    }
  }

  @Test("A broker message is shown with its body, as text or in Base64, and nothing that an SMS would have")
  func poison() async throws {
    try await DeadLetterTables.run { gateway in
      let text = try await DeadLetterTables.insertPoison(into: gateway.pool)
      let bytes = try await DeadLetterTables.insertPoison(body: [0, 0xFF, 7], after: 1, into: gateway.pool)
      let list = try await gateway.admin("GET", "/api/admin/dead-letters")
      #expect(Self.ids(list) == [bytes, text].map(\.description))
      #expect(list["data.dead_letters.0.body"] == nil)
      let one = try await gateway.admin("GET", "/api/admin/dead-letters/\(text)")
      #expect(one.status == 200, "\(one.body)")
      #expect(one.string("data.error_type") == "poison" && one.string("data.status") == "pending")
      #expect(one.string("data.error_message") == "malformed: .type has the wrong type")
      #expect(one.string("data.queue") == "scheduler.submissions" && one.number("data.times") == 3)
      #expect(one.string("data.body") == #"{"type": 7}"# && one.string("data.body_encoding") == "utf-8")
      #expect(one.string("data.headers.x-origin-queue") == "scheduler.submissions")
      #expect(one.string("data.created_at") == "2026-11-20T08:15:30.123Z")
      #expect(one.string("data.last_attempt_at") == "2026-11-20T08:15:39.123Z")
      #expect(one.list("data.attempts")?.isEmpty == true && one.list("data.requests")?.isEmpty == true)
      let none = [
        "message_id", "recipient_index", "phone", "content", "segments", "class", "reference", "user_id", "username",
        "provider", "pinned_provider", "sms_status", "retry_count", "max_attempts", "replay_count", "replay_id",
      ]
      for name in none { #expect(one["data.\(name)"] == .null, "\(name)") }
      let other = try await gateway.admin("GET", "/api/admin/dead-letters/\(bytes)")
      #expect(other.string("data.body") == "AP8H" && other.string("data.body_encoding") == "base64")
    }
  }

  @Test(
    "A closed letter says what has become of its SMS since",
    arguments: [
      ("retried", "pending", "sent", 1, "sent"), ("retried", "pending", "dead", -1, "dead"),
      ("settled", "failed", "sent", 1, "sent"),
      // What the read tables have not heard of yet.
      ("settled", "sent", "unconfirmed", -90, "sent"),
      ("pending", "dead", "sending", 1, "dead"),
      // Forgotten there.
      ("retried", "sent", nil, 0, "sent"),
    ] as [(String, String, String?, Int, String)])
  func since(_ letter: String, _ unit: String, _ state: String?, _ minutes: Int, _ expected: String) async throws {
    try await DeadLetterTables.run { (gateway: GatewayFixture) async throws -> Void in
      let message = MessageID.timeOrdered()
      // One that is closed is so an hour after it came.
      let id = try await DeadLetterTables.insert(
        state: letter, unit: unit, user: gateway.user.userID, message: message, into: gateway.pool)
      if let state {
        let changed = DeadLetterTables.time + .seconds(3_600 + minutes * 60)
        try await gateway.pool.query(
          """
          INSERT INTO projection.recipients_read (message_id, unit_index, state, changed_at)
          VALUES (\(message.uuid), 2, \(state), \(changed.date)), (\(message.uuid), 1, 'expired', \(changed.date))
          """)
      }
      let one = try await gateway.admin("GET", "/api/admin/dead-letters/\(id)")
      #expect(one.string("data.sms_status") == expected, "\(one.body)")
      let list = try await gateway.admin("GET", "/api/admin/dead-letters?message_id=\(message)")
      #expect(list.list("data.dead_letters")?.count == 1)
      #expect(list.string("data.dead_letters.0.sms_status") == expected)
    }
  }

  @Test("The summary counts what is pending by what it died of, and says since when")
  func summary() async throws {
    try await DeadLetterTables.run { gateway in
      let none = try await gateway.admin("GET", "/api/admin/dead-letters/summary")
      #expect(none.status == 200 && none.number("data.pending") == 0, "\(none.body)")
      #expect(none["data.oldest_pending_at"] == .null && none.list("data.by_error_type")?.isEmpty == true)
      let user = gateway.user.userID
      try await DeadLetterTables.insert(errorType: "timeout", user: user, after: 20, into: gateway.pool)
      try await DeadLetterTables.insert(errorType: "timeout", user: user, after: 10, into: gateway.pool)
      try await DeadLetterTables.insert(state: "replaying", user: user, into: gateway.pool)
      try await DeadLetterTables.insertPoison(after: 30, into: gateway.pool)
      let answer = try await gateway.admin("GET", "/api/admin/dead-letters/summary")
      #expect(answer.number("data.pending") == 3)
      #expect(answer.string("data.oldest_pending_at") == "2026-11-20T08:15:40.123Z")
      #expect(answer.list("data.by_error_type")?.count == 2)
      #expect(answer.string("data.by_error_type.0.error_type") == "timeout")
      #expect(answer.number("data.by_error_type.0.pending") == 2)
      #expect(answer.string("data.by_error_type.0.oldest_pending_at") == "2026-11-20T08:15:40.123Z")
      #expect(answer.string("data.by_error_type.1.error_type") == "poison")
    }
  }

  @Test("Whoever is no admin gets none of it, and what is not there is a 404")
  func refused() async throws {
    try await DeadLetterTables.run { gateway in
      let id = try await DeadLetterTables.insert(user: gateway.user.userID, into: gateway.pool)
      let paths = gateway.routes.filter { $0.path.hasPrefix("/api/admin/dead-letters") }
      #expect(paths.count == 12)
      for route in paths {
        let path = route.path.replacing("{id}", with: id.description)
        let answer = try await gateway.http.request(
          route.method.rawValue, path, token: GatewayFixture.token, body: route.method == .post ? "{}" : nil)
        #expect(answer.status == 403, "\(path)")
        #expect(try await gateway.http.request(route.method.rawValue, path).status == 401)
      }
      #expect(gateway.published == 0)
      for unknown in [UUID().uuidString, "x", "\(id)0"] {
        for path in ["", "/replay", "/abandon"] {
          let answer = try await gateway.admin(
            path.isEmpty ? "GET" : "POST", "/api/admin/dead-letters/\(unknown)\(path)", path.isEmpty ? nil : "{}")
          #expect(answer.status == 404 && answer.string("error.code") == "NOT_FOUND", "\(unknown)\(path)")
        }
        #expect(try await gateway.admin("GET", "/api/admin/dead-letters/replays/\(unknown)").status == 404)
        let cancel = try await gateway.admin("POST", "/api/admin/dead-letters/replays/\(unknown)/cancel")
        #expect(cancel.status == 404)
      }
      let wrong = try await gateway.admin("GET", "/api/admin/dead-letters/replay")
      #expect(wrong.status == 405 && wrong.headers["allow"] == "POST")
    }
  }

  @Test("While the database is away all of it is a 503, and nothing is done")
  func away() async throws {
    try await GatewayFixture.run { gateway in
      let id = EnvelopeID.timeOrdered()
      let requests: [(String, String, String?)] = [
        ("GET", "", nil), ("GET", "/\(id)", nil), ("GET", "/replays", nil), ("POST", "/\(id)/replay", nil),
        ("POST", "/replay", #"{"filter": {}, "all": true}"#), ("POST", "/abandon", #"{"ids": ["\#(id)"]}"#),
        ("POST", "/replays/\(id)/cancel", nil),
      ]
      for (method, path, body) in requests {
        let answer = try await gateway.admin(method, "/api/admin/dead-letters\(path)", body)
        #expect(answer.status == 503, "\(path)")
        #expect(answer.headers["retry-after"] != nil)
      }
      #expect(gateway.published == 0)
    }
  }
}
