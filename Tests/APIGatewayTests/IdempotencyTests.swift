import Contracts
import Foundation
import Logging
import Postgres
import TestSupport
import Testing

@testable import APIGateway

@Suite("Idempotency keys")
struct IdempotencyTests {
  private static let body = #"{"recipient": "91234567", "content": "Hi", "reference": "r1", "validity_seconds": 600}"#
  private static let other = #"{"recipient": "91234567", "content": "Ho"}"#

  /// A gateway over an empty database.
  private static func run(_ body: @escaping @Sendable (GatewayFixture) async throws -> Void) async throws {
    try await GatewayFixture.run(database: try await emptyDatabase()) { try await body($0) }
  }

  private static func emptyDatabase() async throws -> String {
    let url = try await PostgresCluster.shared().makeDatabase()
    let pool = PostgresPool(
      configuration: try PostgresConfiguration(url: url),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try await pool.withConnection { try await $0.execute(script: ReadTables.script) }
    await pool.close()
    return url
  }

  @Test("A repeat gets the first answer again, however it is written, and nothing is sent twice")
  func replay() async throws {
    try await Self.run { gateway in
      let first = try await gateway.post("/api/sms", Self.body, key: "k 1")
      #expect(first.status == 202, "\(first.body)")
      #expect(first.headers["idempotent-replayed"] == nil)
      let id = try #require(first.string("message_id").flatMap { MessageID($0) })
      #expect(id.isDerived)
      gateway.queue.apply(.waiting(50, of: gateway.user.userID))
      let spelled =
        #"{ "validity_seconds":600.0,"text":"\u0048i", "reference":"r1" , "provider":null,"phone":"91234567"}"#
      for (path, body) in [("/api/sms", Self.body), ("/api/sms/send", spelled)] {
        let again = try await gateway.post(path, body, key: "k 1")
        #expect(again.status == 202)
        #expect(again.body == first.body)
        #expect(again.headers["idempotent-replayed"] == "true")
        #expect(again.headers["location"] == "/api/sms/\(id)")
        #expect(again.headers["content-type"] == first.headers["content-type"])
      }
      #expect(try gateway.publisher.accepted().map(\.body.messageID) == [id])
      // Another key, another user, no key: other messages.
      let others = [
        try await gateway.post("/api/sms", Self.body, key: "k 2"), try await gateway.post("/api/sms", Self.body),
        try await gateway.http.request(
          "POST", "/api/sms", token: GatewayFixture.adminToken, headers: ["Idempotency-Key": "k 1"], body: Self.body),
      ]
      #expect(others.map(\.status) == [202, 202, 202])
      #expect(Set(try gateway.publisher.accepted().map(\.body.messageID)).count == 4)
    }
  }

  @Test("Another body under the key is refused and not sent")
  func reused() async throws {
    try await Self.run { gateway in
      #expect(try await gateway.post("/api/sms", Self.body, key: "k").status == 202)
      for (path, body) in [("/api/sms", Self.other), ("/api/sms/provider1", Self.body)] {
        let answer = try await gateway.post(path, body, key: "k")
        #expect(answer.status == 422, "\(answer.body)")
        #expect(answer.string("error.code") == "IDEMPOTENCY_KEY_REUSED")
        #expect(answer.string("error.details.0.field") == "Idempotency-Key")
      }
      #expect(try gateway.publisher.accepted().count == 1)
    }
  }

  @Test("Of fifty equal requests at once, on two replicas, one is published")
  func concurrent() async throws {
    let database = try await Self.emptyDatabase()
    // The database answers; how soon is another test.
    try await GatewayFixture.run(database: database, patience: .seconds(2)) { one in
      try await GatewayFixture.run(database: database, user: one.user, patience: .seconds(2)) { two in
        let answers = try await withThrowingTaskGroup(of: RawHTTP.Answer.self) { group in
          for index in 0..<50 {
            group.addTask { try await (index % 2 == 0 ? one : two).post("/api/sms", Self.body, key: "k") }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        let facts = try one.publisher.accepted() + two.publisher.accepted()
        #expect(facts.count == 1)
        let id = facts.first?.body.messageID.description
        for answer in answers {
          switch answer.status {
          case 202: #expect(answer.string("message_id") == id)
          case 409: #expect(answer.string("error.code") == "IDEMPOTENCY_IN_FLIGHT")
          default: Issue.record("\(answer.status) \(answer.body)")
          }
        }
        #expect(answers.contains { $0.status == 202 })
        #expect(try await two.post("/api/sms", Self.body, key: "k").headers["idempotent-replayed"] == "true")
      }
    }
  }

  @Test("A request whose end nobody knows is waited for, and after five seconds published again as it was")
  func takeover() async throws {
    try await Self.run { gateway in
      let first = try await gateway.post("/api/sms", Self.body, key: "k")
      try await gateway.loseAnswers(leftSeconds: 3)
      let early = try await gateway.post("/api/sms", Self.body, key: "k")
      #expect(early.status == 409)
      #expect(early.string("error.code") == "IDEMPOTENCY_IN_FLIGHT")
      #expect(["1", "2", "3"].contains(early.headers["retry-after"]))
      #expect(try await gateway.post("/api/sms", Self.other, key: "k").status == 422)
      #expect(try gateway.publisher.accepted().count == 1)
      try await gateway.loseAnswers(leftSeconds: 0)
      let second = try await gateway.post("/api/sms", Self.body, key: "k")
      #expect(second.status == 202)
      #expect(second.headers["idempotent-replayed"] == nil)
      #expect(second.string("message_id") == first.string("message_id"))
      #expect(second.string("data.created_at") == first.string("data.created_at"))
      #expect(second.string("data.expires_at") == first.string("data.expires_at"))
      let facts = try gateway.publisher.accepted()
      #expect(facts.count == 2)
      #expect(facts.first?.body.messageID == facts.last?.body.messageID)
      #expect(facts.first?.body.acceptedAt == facts.last?.body.acceptedAt)
      #expect(facts.first?.body.expiresAt == facts.last?.body.expiresAt)
      #expect(facts.first?.header.id == facts.last?.header.id)
      #expect(try await gateway.post("/api/sms", Self.body, key: "k").body == second.body)
    }
  }

  @Test("A refused request that is repeated after its time is told so, unless it was taken after all")
  func expiredMeanwhile() async throws {
    try await Self.run { gateway in
      gateway.publisher.state.withLockedValue { $0.isSilent = true }
      let refused = try await gateway.post("/api/sms", Self.body, key: "k")
      #expect(refused.status == 503)
      gateway.publisher.state.withLockedValue { $0.isSilent = false }
      try await gateway.pool.query(
        "UPDATE accounts.idempotency_keys SET accepted_at = accepted_at - interval '601 seconds'")
      for _ in 1...2 {
        let late = try await gateway.post("/api/sms", Self.body, key: "k")
        #expect(late.status == 409, "\(late.body)")
        #expect(late.string("error.code") == "WOULD_EXPIRE")
        #expect(late.string("error.details.0.field") == "validity_seconds")
      }
      #expect(try gateway.publisher.accepted().isEmpty)
      let id = try #require(refused.string("error.details.0.message_id").flatMap { MessageID($0) })
      try await gateway.pool.query(
        "INSERT INTO projection.messages_read (message_id, user_id) VALUES (\(id.uuid), \(gateway.user.userID.uuid))")
      #expect(try await gateway.post("/api/sms", Self.body, key: "k").status == 202)
    }
  }

  @Test("What was not confirmed can be sent again at once, under the same id")
  func notConfirmed() async throws {
    try await Self.run { gateway in
      gateway.publisher.state.withLockedValue { $0.isSilent = true }
      let start = ContinuousClock.now
      let refused = try await gateway.post("/api/sms", Self.body, key: "k")
      #expect(ContinuousClock.now - start < .seconds(3))
      #expect(refused.status == 503)
      gateway.publisher.state.withLockedValue { $0.isSilent = false }
      let again = try await gateway.post("/api/sms", Self.body, key: "k")
      #expect(again.status == 202, "\(again.body)")
      #expect(again.string("message_id") == refused.string("error.details.0.message_id"))
      #expect(try gateway.publisher.accepted().count == 1)
    }
  }

  @Test("Without the database a repeat is published again, soon and under the same id, and counted once")
  func databaseDown() async throws {
    try await GatewayFixture.run { gateway in
      gateway.queue.apply(.waiting(10, of: gateway.user.userID))
      let start = ContinuousClock.now
      let answers = [
        try await gateway.post("/api/sms", Self.body, key: "k"),
        try await gateway.post("/api/sms", Self.body, key: "k"),
      ]
      #expect(ContinuousClock.now - start < .seconds(2))
      #expect(answers.map(\.status) == [202, 202])
      #expect(answers[0].string("message_id") == answers[1].string("message_id"))
      #expect(answers[0].string("message_id").flatMap { MessageID($0) }?.isDerived == true)
      #expect(Set(try gateway.publisher.accepted().map(\.header.id)).count == 1)
      let next = try await gateway.post("/api/sms", Self.other, key: "k")
      #expect(next.status == 202, "nobody knows of the first body")
      #expect(next.string("message_id") != answers[0].string("message_id"))
      #expect(next.number("data.queue_position") == 11)
    }
  }

  @Test("A database that does not answer holds a request up for half a second")
  func databaseStuck() async throws {
    try await Self.run { gateway in
      try await gateway.pool.withTransaction { connection in
        try await connection.query("LOCK TABLE accounts.idempotency_keys")
        let start = ContinuousClock.now
        let answer = try await gateway.post("/api/sms", Self.body, key: "k")
        #expect(answer.status == 202)
        #expect(ContinuousClock.now - start < .seconds(2))
      }
      #expect(try gateway.publisher.accepted().count == 1)
    }
  }

  @Test("A replica that was restarted knows the answers")
  func restart() async throws {
    let database = try await Self.emptyDatabase()
    let user = Principal.ann()
    let first = try await GatewayFixture.run(database: database, user: user) {
      try await $0.post("/api/sms", Self.body, key: "k")
    }
    try await GatewayFixture.run(database: database, user: user) { gateway in
      let again = try await gateway.post("/api/sms", Self.body, key: "k")
      #expect(again.body == first.body)
      #expect(again.headers["idempotent-replayed"] == "true")
      #expect(try gateway.publisher.accepted().isEmpty)
    }
  }

  @Test("A request that is refused leaves its key free")
  func refused() async throws {
    try await Self.run { gateway in
      gateway.queue.apply(.waiting(101, of: gateway.user.userID))
      let late = #"{"phone": "91234567", "text": "Hi", "validity_seconds": 5, "reject_if_late": true}"#
      for (body, status) in [("{", 400), (#"{"phone": "x", "text": "Hi"}"#, 400), (late, 409)] {
        #expect(try await gateway.post("/api/sms", body, key: "k").status == status)
      }
      let keys = try await gateway.keys()
      #expect(keys == 0)
      #expect(try await gateway.post("/api/sms", Self.body, key: "k").status == 202)
    }
  }

  @Test("What was taken once is not judged again")
  func judgedOnce() async throws {
    try await Self.run { gateway in
      let body = #"{"phone": "91234567", "text": "Hi", "validity_seconds": 5, "reject_if_late": true}"#
      let first = try await gateway.post("/api/sms", body, key: "k")
      #expect(first.status == 202, "nothing was known of the queue")
      gateway.queue.apply(.waiting(101, of: gateway.user.userID))
      #expect(try await gateway.post("/api/sms", body, key: "k").body == first.body)
      try await gateway.loseAnswers(leftSeconds: 0)
      let second = try await gateway.post("/api/sms", body, key: "k")
      #expect(second.status == 202)
      #expect(second.string("message_id") == first.string("message_id"))
      #expect(second.string("data.expires_at") == first.string("data.expires_at"))
    }
  }

  @Test("A key has 1 to 255 printable ASCII characters and is given once")
  func header() async throws {
    try await Self.run { gateway in
      for key in [" ", String(repeating: "k", count: 256), "a\tb", "clé", "a\r\nIdempotency-Key: b"] {
        let answer = try await gateway.post("/api/sms", Self.body, key: key)
        #expect(answer.status == 400, "\(key)")
        #expect(answer.string("error.code") == "INVALID_FIELD")
        #expect(answer.string("error.details.0.field") == "Idempotency-Key")
      }
      #expect(try gateway.publisher.accepted().isEmpty)
      for key in ["k", String(repeating: "k", count: 255), "\"8e03978e\"", "~ !"] {
        #expect(try await gateway.post("/api/sms", Self.body, key: key).status == 202, "\(key)")
      }
    }
  }

  @Test("An estimate knows no keys")
  func estimate() async throws {
    try await Self.run { gateway in
      for key in ["k", "clé"] {
        #expect(try await gateway.post("/api/sms/estimate", Self.body, key: key).status == 200)
      }
      let keys = try await gateway.keys()
      #expect(keys == 0)
      #expect(try await gateway.post("/api/sms", Self.other, key: "k").status == 202)
    }
  }

  @Test("Old keys are dropped, step by step, and young ones stay")
  func retention() async throws {
    try await Self.run { gateway in
      for index in 0..<6 { _ = try await gateway.post("/api/sms", Self.body, key: "k\(index)") }
      try await gateway.pool.query(
        """
        UPDATE accounts.idempotency_keys SET created_at = sluice.clock() - interval '25 hours'
        WHERE key_hash <> \(KeyedRequest.hash(of: IdempotencyKey("k3")))
        """)
      let store = IdempotencyStore(pool: gateway.pool)
      #expect(try await IdempotencyRetention(store: store, days: 2).round() == 0)
      #expect(try await IdempotencyRetention(store: store, days: 1, step: 2).round() == 5)
      #expect(try await gateway.post("/api/sms", Self.body, key: "k3").headers["idempotent-replayed"] == "true")
      #expect(try await gateway.post("/api/sms", Self.body, key: "k0").headers["idempotent-replayed"] == nil)
    }
  }
}

extension GatewayFixture {
  func post(_ path: String, _ body: String, key: String) async throws -> RawHTTP.Answer {
    try await post(path, body, headers: ["Idempotency-Key": key])
  }

  /// As if whoever took the requests had died before answering, with so many seconds of their time left.
  fileprivate func loseAnswers(leftSeconds seconds: Int) async throws {
    try await pool.query(
      """
      UPDATE accounts.idempotency_keys
      SET status = NULL, answer = NULL, in_flight_until = sluice.clock() + \(seconds) * interval '1 second'
      """)
  }

  /// How many keys are stored.
  fileprivate func keys() async throws -> Int {
    try await pool.query("SELECT count(*) AS count FROM accounts.idempotency_keys").first?.decode("count") ?? 0
  }
}
