import AMQP
import Contracts
import Foundation
import NIOConcurrencyHelpers
import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@testable import APIGateway

/// A gateway between a real broker and a real database.
@Suite("Gateway, broker and database", .serialized)
struct GatewayIntegrationTests {
  private static let valid = #"{"recipient": "91234567", "content": "Hi"}"#

  @Test("What got a 202 is in the scheduler's queue, whole")
  func accepted() async throws {
    try await GatewayStack.run { stack in
      let answer = try await stack.post(Self.valid)
      #expect(answer.status == 202, "\(answer.body)")
      let facts = try await stack.submissions(count: 1)
      #expect(facts.map(\.body.messageID.description) == [answer.string("message_id")])
      #expect(facts.first?.body.recipients == ["+85291234567"])
    }
  }

  @Test("A message is read as soon as the read side has it, by its owner and by an admin alone")
  func reading() async throws {
    try await GatewayStack.run { stack in
      let id = MessageID.timeOrdered()
      let other = MessageID.timeOrdered()
      let late = Task {
        try await Task.sleep(for: .milliseconds(200))
        try await ReadTables.insert(id, user: stack.user, total: 3, sent: 1, reference: "r1", into: stack.pool)
      }
      let answer = try await stack.get("/api/sms/\(id)")
      try await late.value
      #expect(answer.status == 200, "\(answer.body)")
      #expect(answer.string("data.id") == id.description)
      #expect(answer.string("data.job_status") == "sending")
      #expect(answer.string("data.status") == "pending")
      #expect(answer.string("data.reference") == "r1")
      #expect(answer.string("data.hkt_response") == "OK from HKT")
      #expect(answer.number("data.recipient_count") == 3)
      #expect(answer.number("data.success_count") == 1)
      #expect(answer.number("data.counts.pending") == 2)
      #expect(answer["data.sent_at"] == .null)
      #expect(try await stack.get("/api/messages/\(id)").string("data.id") == id.description)

      try await ReadTables.insert(other, user: .timeOrdered(), total: 1, into: stack.pool)
      #expect(try await stack.get("/api/sms/\(other)").status == 404)
      #expect(try await stack.get("/api/sms/\(other)/recipients").status == 404)
      #expect(try await stack.get("/api/sms/\(other)", token: GatewayStack.adminToken).status == 200)
      #expect(try await stack.get("/api/sms/\(UUID().uuidString)").status == 404)

      let recipients = try await stack.get("/api/sms/\(id)/recipients?limit=2")
      #expect(recipients.list("data.recipients")?.count == 2)
      #expect(recipients.string("data.recipients.0.phone") == "+85291234500")
      #expect(recipients.string("data.recipients.0.status") == "sent")
      let cursor = try #require(recipients.string("data.next_cursor"))
      let rest = try await stack.get("/api/sms/\(id)/recipients?limit=2&cursor=\(cursor)")
      #expect(rest.string("data.recipients.0.phone") == "+85291234502")
      #expect(rest["data.next_cursor"] == .null)
      #expect(try await stack.get("/api/sms/\(id)/recipients?status=sent").list("data.recipients")?.count == 1)
      #expect(try await stack.get("/api/sms/\(id)/recipients?status=lost").status == 400)
    }
  }

  @Test("A message with an idempotency key is in the queue once, and read as soon as the read side has it")
  func keyed() async throws {
    try await GatewayStack.run { stack in
      @Sendable func post(_ replica: RawHTTP) async throws -> RawHTTP.Answer {
        try await replica.request(
          "POST", "/api/sms", token: GatewayStack.userToken, headers: ["Idempotency-Key": "k"], body: Self.valid)
      }
      let first = try await post(stack.http)
      #expect(first.status == 202, "\(first.body)")
      let id = try #require(first.string("message_id").flatMap { MessageID($0) })
      let late = Task {
        try await Task.sleep(for: .milliseconds(200))
        try await ReadTables.insert(id, user: stack.user, total: 1, into: stack.pool)
      }
      let read = try await stack.get("/api/sms/\(id)")
      try await late.value
      #expect(read.status == 200, "\(read.body)")
      try await stack.withFreshReplica { replica in
        let again = try await post(replica)
        #expect(again.body == first.body)
        #expect(again.headers["idempotent-replayed"] == "true")
      }
      #expect(try await stack.submissions(count: 1).map(\.body.messageID) == [id])
    }
  }

  @Test("A message that the read side cannot know yet is a 503, not a 404")
  func behind() async throws {
    try await GatewayStack.run { stack in
      try await stack.pool.query("UPDATE projection.progress_read SET log_time = now() - interval '1 hour'")
      let start = ContinuousClock.now
      #expect(try await stack.get("/api/sms/\(MessageID.timeOrdered())").status == 503)
      #expect(ContinuousClock.now - start < .seconds(3))
    }
  }

  @Test("The list pages by number and by cursor, and filters")
  func list() async throws {
    try await GatewayStack.run { stack in
      let ids = (0..<5).map { MessageID.timeOrdered(at: .now() + .seconds(Double($0))) }
      for (index, id) in ids.enumerated() {
        try await ReadTables.insert(
          id, user: stack.user, total: 1, sent: index % 2, reference: "r\(index)", into: stack.pool)
      }
      func listed(_ answer: RawHTTP.Answer) -> [String] {
        (0..<10).compactMap { answer.string("data.messages.\($0).id") }
      }
      let newest = ids.reversed().map(\.description)
      let all = try await stack.get("/api/sms")
      #expect(all.status == 200, "\(all.body)")
      #expect(listed(all) == newest)
      #expect(all.number("data.total") == 5)
      #expect(all.number("data.pages") == 1)
      #expect(all.number("data.current_page") == 1)
      #expect(all.list("data.messages.0.recipients") == [.string("+85291234500")])
      let second = try await stack.get("/api/sms?page=2&per_page=2")
      #expect(listed(second) == Array(newest[2..<4]))
      #expect(second.number("data.pages") == 3)
      let first = try await stack.get("/api/sms?limit=3")
      #expect(listed(first) == Array(newest[..<3]))
      let cursor = try #require(first.string("data.next_cursor"))
      #expect(listed(try await stack.get("/api/sms?limit=3&cursor=\(cursor)")) == Array(newest[3...]))
      #expect(listed(try await stack.get("/api/sms?reference=r3")) == [ids[3].description])
      #expect(listed(try await stack.get("/api/sms?job_status=completed")) == [newest[1], newest[3]])
      #expect(listed(try await stack.get("/api/sms?status=pending&class=normal")).count == 3)
      let pending = try await stack.get("/api/sms?status=pending&per_page=2&page=2")
      #expect(pending.number("data.total") == 3 && listed(pending) == [newest[4]], "\(pending.body)")
      #expect(try await stack.get("/api/sms?status=failed&job_status=failed").number("data.total") == 0)
      #expect(try await stack.get("/api/sms?status=failed&job_status=sending").number("data.total") == 0)
      #expect(listed(try await stack.get("/api/sms?phone=91234500")).count == 5)
      #expect(listed(try await stack.get("/api/sms?phone=%2B85299999999")).isEmpty)
      #expect(listed(try await stack.get("/api/sms?from=2030-01-01T00:00:00Z")).isEmpty)
      #expect(try await stack.get("/api/sms?bogus=1").status == 400)
      let status = try await stack.get("/api/queue/status")
      #expect(status.status == 200, "\(status.body)")
      #expect(status.number("data.pending_messages") == 3)
      #expect(status.number("data.queue_depth") == 3)
      #expect(status.number("data.your_messages.pending") == 3)
      #expect(status.string("data.oldest_pending_at") != nil)
    }
  }

  @Test("Heads from the stream give positions, and a fact that is broken stops nothing")
  func heads() async throws {
    try await GatewayStack.run { stack in
      try await stack.publish(bytes: Array("{broken".utf8), type: .queueChanged)
      try await eventually(within: .seconds(15), "a position in the 202") {
        // From `next`: only what is said after the follower has begun is heard.
        try await stack.publish(
          QueueChanged(
            asOf: .now(), isComplete: true, epoch: 1, virtualTime: 0,
            classes: [ClassHead(messageClass: .normal, tag: 0, backlog: 7, virtualTime: 0)],
            flows: [
              FlowHead(
                flowID: 1, messageClass: .normal, userID: stack.user, provider: nil, tag: 0, step: 1 << 24, backlog: 7,
                headNumber: 0)
            ],
            providers: [
              ProviderPace(provider: "hkt", effectiveRate: 2, nominalRate: 2, state: "healthy", inFlight: 0)
            ], globalRate: nil, isSending: true))
        return try await stack.post(Self.valid).number("data.queue_position") ?? 0 >= 7
      }
    }
  }

  @Test("A disabled user and a revoked token stop within five seconds, and a fact stops them at once")
  func revocation() async throws {
    try await GatewayStack.run { stack in
      #expect(try await stack.post(Self.valid).status == 202)
      try await stack.pool.query("UPDATE accounts.users SET is_active = false WHERE id = \(stack.user.uuid)")
      try await eventually(within: .seconds(5), "401 for a disabled user") {
        try await stack.post(Self.valid).status == 401
      }
      try await stack.pool.query("UPDATE accounts.users SET is_active = true WHERE id = \(stack.user.uuid)")
      try await eventually(within: .seconds(5), "202 again") { try await stack.post(Self.valid).status == 202 }
      // The fact makes every replica read at once what its clock would make it read within two seconds.
      try await stack.pool.query("UPDATE accounts.users SET is_active = false WHERE id = \(stack.user.uuid)")
      try await stack.publish(UserChanged(userID: stack.user, isActive: false, weight: 1))
      try await eventually(within: .seconds(1), "401 at the fact") { try await stack.post(Self.valid).status == 401 }
      try await stack.pool.query("UPDATE accounts.users SET is_active = true WHERE id = \(stack.user.uuid)")
      try await eventually(within: .seconds(5), "202 again") { try await stack.post(Self.valid).status == 202 }
      try await stack.pool.query(
        "UPDATE accounts.tokens SET revoked_at = now() WHERE user_id = \(stack.user.uuid)")
      try await eventually(within: .seconds(5), "401 for a revoked token") {
        try await stack.post(Self.valid).status == 401
      }
    }
  }

  @Test("Two replicas that start at once make one admin with one token")
  func firstAdmin() async throws {
    try await GatewayStack.run(replicas: 2) { stack in
      let rows = try await stack.pool.query(
        "SELECT u.username, u.is_admin, u.password_hash, t.name FROM accounts.users u JOIN accounts.tokens t ON t.user_id = u.id WHERE u.username = 'root'"
      )
      #expect(rows.count == 1)
      #expect(try rows.first?.decode("is_admin", as: Bool.self) == true)
      #expect(try rows.first?.decode("password_hash", as: String.self).hasPrefix("scrypt$") == true)
    }
  }

  @Test("While the database is away sending goes on and reads are refused, and both work when it is back")
  func databaseAway() async throws {
    try await GatewayStack.run { stack in
      try await stack.servers.postgres.stop(.fast)
      #expect(try await stack.post(Self.valid).status == 202)
      #expect(try await stack.get("/api/sms").status == 503)
      #expect(try await stack.get("/api/health/ready").status == 200)
      try await eventually(within: .seconds(10), "health tells of the database") {
        try await stack.get("/api/health").status == 503
      }
      try await stack.servers.postgres.start()
      try await eventually(within: .seconds(15), "reads work again") {
        try await stack.get("/api/sms").status == 200
      }
      try await eventually(within: .seconds(10), "health is good again") {
        try await stack.get("/api/health").status == 200
      }
    }
  }

  @Test("While the broker is away a POST is a 503 within 3 s that arrives at most once, and then works again")
  func brokerAway() async throws {
    try await GatewayStack.run { stack in
      let first = try await stack.post(Self.valid)
      #expect(first.status == 202)
      try await stack.servers.rabbit.syncQueues()
      try await stack.servers.rabbit.kill()
      let start = ContinuousClock.now
      let refused = try await stack.post(Self.valid)
      #expect(ContinuousClock.now - start < .seconds(3))
      #expect(refused.status == 503)
      #expect(refused.string("error.code") == "SERVICE_UNAVAILABLE")
      #expect(refused.headers["retry-after"] != nil)
      #expect(refused.string("error.details.0.message_id") != nil)
      let ready = try await stack.get("/api/health/ready")
      #expect(ready.status == 503)
      #expect(ready.string("reason") == "broker_unreachable")
      try await stack.servers.rabbit.restart()
      var last: RawHTTP.Answer?
      try await eventually(within: .seconds(20), "a 202 again") {
        last = try await stack.post(Self.valid)
        return last?.status == 202
      }
      let ids = try await stack.submissions(count: 2).map(\.body.messageID.description)
      #expect(ids.contains(try #require(first.string("message_id"))))
      #expect(ids.contains(try #require(last?.string("message_id"))))
      #expect(Set(ids).count == ids.count)
      #expect(!ids.contains(try #require(refused.string("error.details.0.message_id"))))
    }
  }
}
