import AMQP
import Contracts
import Logging
import NIOConcurrencyHelpers
import Postgres
import TestSupport
import Testing

@testable import APIGateway

/// The daily limit over a real database, and a broker that does as it is told.
@Suite("SMS of a day")
struct DailyUseTests {
  private static let body = #"{"recipient": "91234567", "content": "Hi"}"#
  private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  private static let certainlyNot = PublishError(code: .timedOut, message: "never written")
  private static let maybe = PublishError(code: .timedOut, mayHaveArrived: true, message: "not confirmed")

  /// A gateway over an empty database, for a user with a daily limit.
  private static func run(
    limit: Int, _ body: @escaping @Sendable (GatewayFixture) async throws -> Void
  ) async throws {
    let database = try await PostgresCluster.shared().makeDatabase()
    let ann = Principal(
      userID: .timeOrdered(), username: "ann", isAdmin: false, weight: 1, limits: UserLimits(dailyLimit: limit))
    try await GatewayFixture.run(database: database, user: ann) { try await body($0) }
  }

  /// Whether no statement waits for a lock.
  private static func isNobodyWaiting(_ pool: PostgresPool) async throws -> Bool {
    try await pool.query(
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).isEmpty
  }

  /// With little patience.
  private static func use(_ pool: PostgresPool) -> DailyUse {
    DailyUse(store: DailyUseStore(pool: pool), calendar: LocalCalendar(zone: .gmt), patience: .milliseconds(300))
  }

  private static func used(_ pool: PostgresPool) async throws -> Int {
    try await pool.query("SELECT coalesce(sum(sms), 0)::integer AS sms FROM accounts.daily_use").first?.decode("sms")
      ?? 0
  }

  private static func message(of user: UserID = .timeOrdered()) -> MessageAccepted {
    MessageAccepted(
      messageID: .timeOrdered(), userID: user, messageClass: .normal, content: "Hi", recipients: ["+85291234567"],
      segments: 1, encoding: "gsm7", acceptedAt: .now())
  }

  /// How the broker answers from now on: with an error, or not.
  private static func answer(_ gateway: GatewayFixture, _ failure: PublishError?) {
    let consumer: @Sendable (AMQPMessage) throws -> Void = { (_: AMQPMessage) throws -> Void in
      if let failure { throw failure }
    }
    gateway.publisher.state.withLockedValue { (state: inout RecordingPublisher.State) -> Void in
      state.consumer = consumer
    }
  }

  /// Does something while a row that daily counts need is locked by somebody else.
  private static func locked(_ pool: PostgresPool, _ body: @Sendable () async throws -> Void) async throws {
    try await pool.withTransaction { connection in
      try await connection.query("SELECT 1 FROM accounts.daily_use FOR UPDATE")
      try await body()
    }
  }

  @Test("What the broker certainly never got is not counted, and what it may have got is")
  func givenBack() async throws {
    try await Self.run(limit: 2) { (gateway: GatewayFixture) async throws -> Void in
      Self.answer(gateway, Self.certainlyNot)
      for _ in 0..<3 {
        #expect(try await gateway.post("/api/sms", Self.body).status == 503)
      }
      #expect(try await Self.used(gateway.pool) == 0)
      Self.answer(gateway, Self.maybe)
      #expect(try await gateway.post("/api/sms", Self.body).status == 503)
      #expect(try await Self.used(gateway.pool) == 1)
      Self.answer(gateway, nil)
      #expect(try await gateway.post("/api/sms", Self.body).status == 202)
      #expect(try await gateway.post("/api/sms", Self.body).status == 429)
    }
  }

  @Test("An estimate answers as a send would, and counts nothing")
  func estimate() async throws {
    try await Self.run(limit: 2) { (gateway: GatewayFixture) async throws -> Void in
      for _ in 0..<3 { #expect(try await gateway.post("/api/sms/estimate", Self.body).status == 200) }
      let three = #"{"recipients": ["91234567", "91234568", "91234569"], "content": "Hi"}"#
      for path in ["/api/sms/estimate", "/api/sms/send-bulk"] {
        let answer = try await gateway.post(path, three)
        #expect(answer.status == 429 && answer.string("error.details.0.code") == "daily_limit_reached", "\(path)")
      }
      for _ in 0..<2 { #expect(try await gateway.post("/api/sms", Self.body).status == 202) }
      #expect(try await gateway.post("/api/sms/estimate", Self.body).status == 429)
      #expect(try await Self.used(gateway.pool) == 2)
    }
  }

  @Test("A repeat that certainly did not go takes nothing back that the first try counted")
  func repeated() async throws {
    try await Self.run(limit: 1) { (gateway: GatewayFixture) async throws -> Void in
      Self.answer(gateway, Self.maybe)
      let key = ["Idempotency-Key": "k"]
      #expect(try await gateway.post("/api/sms", Self.body, headers: key).status == 503)
      Self.answer(gateway, Self.certainlyNot)
      #expect(try await gateway.post("/api/sms", Self.body, headers: key).status == 503)
      #expect(try await Self.used(gateway.pool) == 1)
      Self.answer(gateway, nil)
      #expect(try await gateway.post("/api/sms", Self.body).status == 429)
      #expect(try await gateway.post("/api/sms", Self.body, headers: key).status == 202)
    }
  }

  @Test("A database that is there and too slow lets nobody through, and nothing of it is counted")
  func slow() async throws {
    try await Self.run(limit: 9) { (gateway: GatewayFixture) async throws -> Void in
      #expect(try await gateway.post("/api/sms", Self.body).status == 202)
      try await Self.locked(gateway.pool) {
        for _ in 0..<2 {
          let start = ContinuousClock.now
          let answer = try await gateway.post("/api/sms", Self.body)
          #expect(answer.status == 503)
          #expect(answer.string("error.code") == "SERVICE_UNAVAILABLE")
          #expect(answer.string("error.details.0.code") == "not_counted")
          #expect(ContinuousClock.now - start < .seconds(3))
        }
      }
      #expect(gateway.publisher.state.withLockedValue { $0.messages.count } == 1)
      #expect(try await gateway.post("/api/sms", Self.body).status == 202)
      try await eventually("two are counted") { try await Self.used(gateway.pool) == 2 }
    }
  }

  @Test("A database that answers with an error is not one that is away")
  func failing() async throws {
    try await Self.run(limit: 9) { (gateway: GatewayFixture) async throws -> Void in
      try await gateway.pool.query("ALTER TABLE accounts.daily_messages RENAME TO elsewhere")
      #expect(try await gateway.post("/api/sms", Self.body).status == 503)
      #expect(gateway.publisher.state.withLockedValue { $0.messages.isEmpty })
      try await gateway.pool.query("ALTER TABLE accounts.elsewhere RENAME TO daily_messages")
      #expect(try await gateway.post("/api/sms", Self.body).status == 202)
    }
  }

  @Test("Whoever has used up their day is refused without waiting for a lock")
  func refusedWithoutLock() async throws {
    try await Self.run(limit: 1) { (gateway: GatewayFixture) async throws -> Void in
      #expect(try await gateway.post("/api/sms", Self.body).status == 202)
      try await Self.locked(gateway.pool) {
        let answer = try await gateway.post("/api/sms", Self.body)
        #expect(answer.status == 429)
      }
    }
  }

  @Test("Giving back holds no answer up, and is done when the database lets it")
  func givenBackLater() async throws {
    try await Self.run(limit: 9) { (gateway: GatewayFixture) async throws -> Void in
      let use = Self.use(gateway.pool)
      let reservation = try await use.reserve(Self.message(), limit: 9, Self.logger)
      #expect(reservation.isOurs)
      try await Self.locked(gateway.pool) {
        let start = ContinuousClock.now
        await use.giveBack(reservation, Self.logger)
        #expect(ContinuousClock.now - start < .seconds(1))
      }
      try await eventually("nothing is counted") { try await Self.used(gateway.pool) == 0 }
    }
  }

  /// Two messages of one user: one is counted, and one is owed by a gateway that knows no database that works.
  private static func withOwed(
    _ body: @escaping @Sendable (GatewayFixture, DailyUse, DailyUse.Reservation, MessageAccepted) async throws -> Void
  ) async throws {
    let database = try await PostgresCluster.shared().makeDatabase()
    try await GatewayFixture.run(database: database) { (gateway: GatewayFixture) async throws -> Void in
      let user = UserID.timeOrdered()
      let first = try await Self.use(gateway.pool).reserve(Self.message(of: user), limit: 9, Self.logger)
      #expect(first.isOurs)
      // It learns that there is a database when its first statement has ended.
      let fresh = PostgresPool(configuration: try PostgresConfiguration(url: database), logger: Self.logger)
      let use = Self.use(fresh)
      let message = Self.message(of: user)
      let owed = NIOLockedValueBox<DailyUse.Reservation?>(nil)
      try await Self.locked(gateway.pool) {
        let reservation = try await use.reserve(message, limit: 9, Self.logger)
        owed.withLockedValue { $0 = reservation }
        // Else it might count all the same, when the lock is gone.
        try await eventually("the attempt has ended") { try await Self.isNobodyWaiting(gateway.pool) }
      }
      let reservation = try #require(owed.withLockedValue { $0 })
      #expect(reservation.isOurs && use.waiting == 1)
      try await body(gateway, use, reservation, message)
      await fresh.close()
    }
  }

  @Test("What is owed is deleted in the database too when it is given back, since it may have been counted there")
  func owedAndCounted() async throws {
    try await Self.withOwed { gateway, use, reservation, message in
      // As if the statement had gone through after all.
      let counted = try await Self.use(gateway.pool).reserve(message, limit: 9, Self.logger)
      #expect(counted.isOurs)
      #expect(try await Self.used(gateway.pool) == 2)
      await use.giveBack(reservation, Self.logger)
      #expect(use.waiting == 0)
      try await eventually("only the other one is counted") { try await Self.used(gateway.pool) == 1 }
    }
  }

  @Test("What is given back while it is being counted does not stay counted")
  func givenBackMeanwhile() async throws {
    try await Self.withOwed { gateway, use, reservation, _ in
      let flush = NIOLockedValueBox<Task<Void, any Error>?>(nil)
      try await Self.locked(gateway.pool) {
        flush.withLockedValue { $0 = Task { try await use.flush() } }
        try await eventually("the count waits for the lock") {
          try await !Self.isNobodyWaiting(gateway.pool)
        }
        await use.giveBack(reservation, Self.logger)
      }
      try await flush.withLockedValue { $0 }?.value
      #expect(use.waiting == 0)
      #expect(try await Self.used(gateway.pool) == 1)
    }
  }

  @Test("What is owed already is given back by the call alone that owes it")
  func owedOnce() async throws {
    let away = PostgresPool(
      configuration: try PostgresConfiguration(url: "postgresql://nobody@127.0.0.1:1/none"), logger: Self.logger)
    let use = DailyUse(store: DailyUseStore(pool: away), calendar: LocalCalendar(zone: .gmt))
    let message = Self.message()
    let first = try await use.reserve(message, limit: 1, Self.logger)
    let second = try await use.reserve(message, limit: 1, Self.logger)
    #expect(first.isOurs && !second.isOurs)
    await use.giveBack(second, Self.logger)
    #expect(use.waiting == 1)
    await use.giveBack(first, Self.logger)
    #expect(use.waiting == 0)
    await away.close()
  }
}
