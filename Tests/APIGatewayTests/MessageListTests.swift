import Contracts
import Foundation
import Testing

@testable import APIGateway

@Suite("Lists of messages")
struct MessageListTests {
  private static let start = Timestamp("2026-11-01T00:00:00Z") ?? .now()

  private static func ids(_ answer: RawHTTP.Answer) -> [String] {
    (answer.list("data.messages") ?? []).indices.compactMap { answer.string("data.messages.\($0).id") }
  }

  @Test("Every page by number has the rows that belong there, from whichever end it is counted")
  func numbers() async throws {
    try await ReadTables.run { gateway in
      try await ReadTables.insertMany(103, user: gateway.user.userID, from: Self.start, into: gateway.pool)
      let all = (0..<103).reversed()
      let pending = all.filter { $0 % 5 != 0 && $0 % 7 == 0 }
      for (filter, expected) in [
        ("", Array(all)), ("&status=pending", pending), ("&status=failed", all.filter { $0 % 5 == 0 }),
        ("&class=bulk", all.filter { $0 % 3 == 0 }),
        ("&class=bulk&status=failed", all.filter { $0 % 15 == 0 }),
      ] {
        let pages = (expected.count + 9) / 10
        for page in 1...pages + 1 {
          let answer = try await gateway.get("/api/sms?per_page=10&page=\(page)\(filter)")
          #expect(answer.status == 200, "\(answer.body)")
          #expect(Self.ids(answer) == expected.dropFirst((page - 1) * 10).prefix(10).map(ReadTables.id), "\(filter)")
          #expect(answer.number("data.total") == Double(expected.count))
          #expect(answer.bool("data.total_is_exact") == true)
          #expect(answer.number("data.pages") == Double(pages))
          #expect((answer.string("data.next_cursor") != nil) == (page < pages), "\(filter) \(page)")
        }
      }
    }
  }

  @Test(
    "By cursor no message is missed or shown twice while new ones arrive", arguments: ["", "&status=sent", "&q=number"])
  func cursors(filter: String) async throws {
    try await ReadTables.run { gateway in
      let user = gateway.user.userID
      try await ReadTables.insertMany(60, user: user, from: Self.start, into: gateway.pool)
      var seen: [String] = []
      var cursor = ""
      repeat {
        let answer = try await gateway.get("/api/sms?limit=7\(filter)\(cursor)")
        seen += Self.ids(answer)
        try await ReadTables.insert(.timeOrdered(), user: user, total: 1, sent: 1, into: gateway.pool)
        cursor = answer.string("data.next_cursor").map { "&cursor=\($0)" } ?? ""
      } while !cursor.isEmpty
      let expected = (0..<60).reversed().filter { filter != "&status=sent" || $0 % 5 != 0 && $0 % 7 != 0 }
      #expect(seen == expected.map(ReadTables.id))
    }
  }

  @Test("A search looks at so many messages and goes on from there")
  func search() async throws {
    try await ReadTables.run { gateway in
      let count = ReadStore.window + 200
      try await ReadTables.insertMany(count, user: gateway.user.userID, from: Self.start, into: gateway.pool)
      let near = try await gateway.get("/api/sms?limit=5&q=NUMBER%20\(count - 1).")
      #expect(Self.ids(near) == [ReadTables.id(count - 1)])
      // What a pattern would mean stands for itself.
      #expect(Self.ids(try await gateway.get("/api/sms?limit=5&q=number%25\(count - 1)")).isEmpty)
      let first = try await gateway.get("/api/sms?limit=5&q=number%207.")
      #expect(first.status == 200 && Self.ids(first).isEmpty)
      let cursor = try #require(first.string("data.next_cursor"))
      let second = try await gateway.get("/api/sms?limit=5&q=number%207.&cursor=\(cursor)")
      #expect(Self.ids(second) == [ReadTables.id(7)])
      #expect(second["data.next_cursor"] == .null)
      let paged = try await gateway.get("/api/sms?q=number")
      #expect(paged.number("data.total") == Double(ReadStore.window))
      #expect(paged.bool("data.total_is_exact") == false)
      // Found by their number, however far behind, when there are few.
      let phone = try await gateway.get("/api/sms?phone=51000007&limit=200")
      #expect(Self.ids(phone).count == count / 100 && Self.ids(phone).last == ReadTables.id(7))
      #expect(try await gateway.get("/api/sms?phone=51000007").number("data.total") == Double(count / 100))
    }
  }

  @Test("A number to which most messages went is found among the newest, and the list goes on")
  func frequentNumber() async throws {
    try await ReadTables.run { gateway in
      let count = ReadStore.phoneWindow + 500
      try await ReadTables.insertMany(count, user: gateway.user.userID, from: Self.start, into: gateway.pool)
      try await gateway.pool.query("UPDATE projection.recipients_read SET phone = '+85251000000'")
      var seen: [String] = []
      var cursor = ""
      repeat {
        let answer = try await gateway.get("/api/sms?phone=51000000&limit=200\(cursor)")
        #expect(answer.status == 200)
        seen += Self.ids(answer)
        cursor = answer.string("data.next_cursor").map { "&cursor=\($0)" } ?? ""
      } while !cursor.isEmpty
      #expect(seen == (0..<count).reversed().map(ReadTables.id))
    }
  }

  @Test("An admin sees everybody's messages with their users, and any one of them")
  func everybody() async throws {
    try await ReadTables.run { gateway in
      let (ann, bob) = (gateway.user.userID, UserID.timeOrdered())
      try await gateway.pool.query("INSERT INTO accounts.users (id, username) VALUES (\(bob.uuid), 'bob')")
      try await ReadTables.insertMany(30, user: ann, from: Self.start, into: gateway.pool)
      let other = MessageID.timeOrdered()
      try await ReadTables.insert(other, user: bob, total: 2, sent: 1, reference: "ref", into: gateway.pool)
      func list(_ query: String) async throws -> RawHTTP.Answer {
        try await gateway.admin("GET", "/api/admin/messages\(query)")
      }
      let all = try await list("")
      #expect(all.status == 200, "\(all.body)")
      #expect(Self.ids(all) == [other.description] + (0..<30).reversed().map(ReadTables.id))
      #expect(all.number("data.total") == 31)
      #expect(all.string("data.messages.0.user_id") == bob.description)
      #expect(all.string("data.messages.0.username") == "bob")
      #expect(all.string("data.messages.1.username") == "ann")
      #expect(all.list("data.messages.0.recipients")?.count == 2)
      #expect(Self.ids(try await list("?user_id=\(bob)")) == [other.description])
      #expect(Self.ids(try await list("?reference=ref&limit=5")) == [other.description])
      #expect(Self.ids(try await list("?status=failed")) == [25, 20, 15, 10, 5, 0].map(ReadTables.id))
      #expect(try await list("?status=failed").number("data.total") == 6)
      #expect(Self.ids(try await list("?job_status=sending")) == [other.description])
      #expect(Self.ids(try await list("?status=pending")) == [other.description] + [28, 21, 14, 7].map(ReadTables.id))
      #expect(Self.ids(try await list("?q=NUMBER%2012.")) == [ReadTables.id(12)])
      #expect(Self.ids(try await list("?phone=51000003")) == [ReadTables.id(3)])
      #expect(Self.ids(try await list("?class=bulk&per_page=3&page=2")) == [18, 15, 12].map(ReadTables.id))
      // The first of November in Hong Kong begins at 16:00 UTC the day before.
      #expect(Self.ids(try await list("?start_date=2026-11-01&end_date=2026-11-01")).count == 30)
      #expect(Self.ids(try await list("?end_date=2026-10-31")).isEmpty)
      #expect(
        Self.ids(try await list("?start_date=2026-11-01T00:00:10Z&end_date=2026-11-01T00:00:11Z"))
          == [11, 10].map(ReadTables.id))
      var seen: [String] = []
      var cursor = ""
      repeat {
        let answer = try await list("?limit=7\(cursor)")
        seen += Self.ids(answer)
        cursor = answer.string("data.next_cursor").map { "&cursor=\($0)" } ?? ""
      } while !cursor.isEmpty
      #expect(seen == Self.ids(all))

      let one = try await list("/\(other)")
      #expect(one.string("data.username") == "bob" && one.string("data.job_status") == "sending", "\(one.body)")
      let recipients = try await list("/\(other)/recipients?status=sent")
      #expect(recipients.list("data.recipients")?.count == 1)
      #expect(try await list("/\(UUID().uuidString)").status == 404)
      for query in ["?start_date=yesterday", "?user_id=ann", "?from=2026-11-01T00:00:00Z", "?status=lost"] {
        #expect(try await list(query).status == 400, "\(query)")
      }
      for path in ["", "/\(other)", "/\(other)/recipients"] {
        #expect(try await gateway.get("/api/admin/messages\(path)").status == 403)
      }
    }
  }

  @Test("A list has the fields that the predecessor's clients read")
  func fields() async throws {
    try await ReadTables.run { gateway in
      try await ReadTables.insertMany(1, user: gateway.user.userID, from: Self.start, into: gateway.pool)
      let answer = try await gateway.get("/api/sms")
      for name in ["id", "content", "status", "created_at"] {
        #expect(answer.string("data.messages.0.\(name)") != nil, "\(name)")
      }
      #expect(answer.number("data.messages.0.recipient_count") == 1)
      #expect(answer.list("data.messages.0.recipients") == [.string("+85251000000")])
      for name in ["total", "pages", "current_page"] { #expect(answer.number("data.\(name)") == 1, "\(name)") }
    }
  }
}
