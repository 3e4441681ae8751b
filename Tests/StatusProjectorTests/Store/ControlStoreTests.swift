import Contracts
import Foundation
import Postgres
import TestSupport
import Testing

@testable import StatusProjector

extension ServerSuites {
  /// Cancel, pause, expiry, sending again, and providers in the tables.
  @Suite struct ControlStoreTests {
    private let time = Timestamp(microseconds: 1_800_000_000_000_000)

    private func accepted(_ id: MessageID, user: UserID = .first, count: Int) -> Fact {
      .accepted(
        MessageAccepted(
          messageID: id, userID: user, messageClass: .bulk, content: "Text",
          recipients: (0..<count).map { "+8529\(1_000_000 + $0)" }, segments: 1, encoding: "gsm7", acceptedAt: time))
    }

    private func cancelled(_ id: MessageID, from index: Int, of total: Int) -> Fact {
      .cancelled(
        MessagesCancelled(messages: [
          CutMessage(messageID: id, fromIndex: index, total: total, at: time + .seconds(60))
        ]))
    }

    private func changed(
      _ id: MessageID, _ index: Int, _ state: UnitState, attempt: Int = 0, dispatch: Int = 0,
      outcome: AttemptOutcome? = nil, mayBeDuplicate: Bool? = nil
    ) -> Fact {
      .changed(
        UnitsChanged(units: [
          UnitChange(
            attempt: AttemptID(messageID: id, index: index, dispatch: attempt), state: state, dispatch: dispatch,
            attemptsUsed: 0, provider: "hkt", outcome: outcome, finishedAt: time + .seconds(30),
            mayBeDuplicate: mayBeDuplicate)
        ]))
    }

    private func write(_ facts: Fact..., to store: ProjectionStore) async throws {
      var batch = FoldedBatch(queueEpoch: try await store.position().queueEpoch)
      for fact in facts { batch.apply(LoggedFact(at: time, fact: fact)) }
      try await store.write(batch, upTo: 1)
    }

    private func row(_ id: MessageID, _ database: ProjectionDatabase) async throws -> PostgresRow? {
      try await database.pool.query("SELECT * FROM projection.messages_read WHERE message_id = \(id.uuid)").first
    }

    @Test("Cancelling 10,000 waiting recipients is quick, whether the message, the cut or a sent unit comes first")
    func cutInAnyOrder() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      var tables: [[String]] = []
      for order in [[0, 1, 2], [1, 0, 2, 1], [2, 1, 1, 0]] {
        try await database.pool.query("TRUNCATE projection.messages, projection.recipients, projection.attempts")
        try await database.pool.query("TRUNCATE projection.throughput")
        let id = MessageID(try #require(UUID(uuidString: "0192f0c1-2345-7abc-8def-0123456789ab")))
        let facts = [
          accepted(id, count: 10_000), cancelled(id, from: 3, of: 10_000),
          changed(id, 1, .sent, outcome: .accepted),
        ]
        let start = ContinuousClock.now
        for step in order { try await write(facts[step], to: store) }
        #expect(ContinuousClock.now - start < .seconds(8))
        let row = try #require(try await row(id, database))
        let counts = try UnitCounts(row)
        #expect(counts.cancelled == 9_997)
        #expect(counts.sent == 1)
        #expect(counts.pending == 2)
        #expect(counts.total == 10_000)
        #expect(try row.decode("dispatched", as: Int.self) == 10_000)
        tables.append(try await database.contents())
      }
      #expect(tables[1] == tables[0])
      #expect(tables[2] == tables[0])
    }

    @Test("A message that failed and is sent again is open again, and ends again")
    func sentAgain() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let id = MessageID.timeOrdered()
      var counts = UnitCounts()
      counts.failed = 1
      try await write(
        accepted(id, count: 1), changed(id, 0, .failed, outcome: .rejected),
        .finished(MessagesFinished(messages: [.init(messageID: id, counts: counts, finishedAt: time + .seconds(31))])),
        to: store)
      let failed = try #require(try await row(id, database))
      #expect(try failed.decode("job_status", as: String.self) == "failed")
      #expect(try failed.decode("completed_at", as: Date?.self) == (time + .seconds(31)).date)

      try await write(changed(id, 0, .pending, attempt: 1, dispatch: 1), to: store)
      // Late and twice: nothing goes back.
      try await write(changed(id, 0, .failed, outcome: .rejected), to: store)
      let again = try #require(try await row(id, database))
      #expect(try UnitCounts(again).pending == 1)
      #expect(try UnitCounts(again).total == 1)
      #expect(try again.decode("job_status", as: String.self) == "pending")
      #expect(try again.decode("completed_at", as: Date?.self) == nil)

      try await write(changed(id, 0, .sent, attempt: 1, dispatch: 1, outcome: .accepted), to: store)
      let sent = try #require(try await row(id, database))
      #expect(try sent.decode("job_status", as: String.self) == "completed")
      #expect(try sent.decode("completed_at", as: Date?.self) != nil)
      let attempts = try await database.pool.query("SELECT outcome FROM projection.attempts_read ORDER BY dispatch")
      #expect(try attempts.map { try $0.decode("outcome", as: String.self) } == ["rejected", "accepted"])
    }

    @Test("A unit that expired before it was dispatched can be sent again, and the expiry told late ends nothing")
    func expiredAgain() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let id = MessageID.timeOrdered()
      let expired = Fact.expired(
        MessagesExpired(messages: [CutMessage(messageID: id, fromIndex: 0, total: 2, at: time)]))
      try await write(accepted(id, count: 2), expired, to: store)
      #expect(try await row(id, database)?.decode("job_status", as: String.self) == "expired")
      try await write(changed(id, 1, .pending, attempt: 1, dispatch: 1), to: store)
      try await write(expired, to: store)
      let counts = try UnitCounts(try #require(try await row(id, database)))
      #expect(counts.expired == 1)
      #expect(counts.pending == 1)
      #expect(try await database.pool.query("SELECT FROM projection.attempts_read").count == 0)
    }

    @Test("A pause shows on the message, a user's also on what is sent later, and neither on what is final")
    func pauses() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let user = UserID.timeOrdered()
      let (first, second, other) = (MessageID.timeOrdered(), MessageID.timeOrdered(), MessageID.timeOrdered())
      func paused() async throws -> [Bool] {
        var shown: [Bool] = []
        for id in [first, second, other] {
          shown.append(try await row(id, database)?.decode("paused", as: Bool.self) ?? false)
        }
        return shown
      }
      func pause(_ target: CommandTarget, _ seconds: Int) -> Fact {
        .paused(MessagesPaused(targets: [target], changedAt: time + .seconds(seconds)))
      }
      func resume(_ target: CommandTarget, _ seconds: Int) -> Fact {
        .resumed(MessagesResumed(targets: [target], changedAt: time + .seconds(seconds)))
      }
      // Before the message itself.
      try await write(pause(.message(first), 1), to: store)
      try await write(accepted(first, user: user, count: 1), accepted(other, count: 1), to: store)
      #expect(try await paused() == [true, false, false])
      try await write(pause(.user(user), 2), to: store)
      try await write(accepted(second, user: user, count: 1), to: store)
      #expect(try await paused() == [true, true, false])
      try await write(resume(.message(first), 3), to: store)
      #expect(try await paused() == [true, true, false])
      try await write(resume(.user(user), 5), to: store)
      // Older words, late.
      try await write(pause(.user(user), 4), pause(.message(first), 2), to: store)
      #expect(try await paused() == [false, false, false])
      try await write(pause(.user(user), 6), changed(first, 0, .sent, outcome: .accepted), to: store)
      #expect(try await paused() == [false, true, false])
    }

    @Test("An SMS that goes again after an unknown outcome may arrive twice, and one whose answer came late does not")
    func duplicates() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let id = MessageID.timeOrdered()
      try await write(
        accepted(id, count: 3), changed(id, 0, .sent, attempt: 1, dispatch: 1, outcome: .accepted), to: store)
      for index in 0..<2 {
        try await write(changed(id, index, .retrying, outcome: .unknown, mayBeDuplicate: true), to: store)
      }
      try await write(changed(id, 1, .sent, outcome: .accepted), to: store)
      let rows = try await database.pool.query("SELECT * FROM projection.recipients_read ORDER BY unit_index")
      #expect(try rows.map { try $0.decode("may_be_duplicate", as: Bool.self) } == [true, false, false])
      #expect(try rows.first?.decode("state", as: String.self) == "sent")
    }

    @Test("A pace replaces the one before, settings stay, and holes are stored with their flow")
    func providers() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      var settings = ProvidersChanged.named("hkt", state: "paused")
      settings.providers[0].pauseReason = "admin"
      settings.providers[0].overridden = ["rate", "paused"]
      var heads = QueueChanged.heads([1: 5], epoch: 1, complete: true)
      heads.flows[0].holes = [HoleCount(segment: 3, count: 7)]
      heads.providers = [
        ProviderPace(
          provider: "hkt", effectiveRate: 0, nominalRate: 2, state: "unhealthy", inFlight: 1,
          gateOpensAt: time, unhealthyUntil: time, successes: 3, failures: 8, sent: 1 << 40, weight: 2, current: 4)
      ]
      try await write(.providers(settings), to: store)
      try await write(.queue(heads), to: store)
      let row = try #require(try await database.pool.query("SELECT * FROM projection.providers").first)
      #expect(try row.decode("overridden", as: [String].self) == ["rate", "paused"])
      #expect(try row.decode("adapter", as: String.self) == "json")
      #expect(try row.decode("state", as: String.self) == "unhealthy")
      #expect(try row.decode("pause_reason", as: String?.self) == nil)
      #expect(try row.decode("unhealthy_until", as: Date?.self) == time.date)
      #expect(try row.decode("failures", as: Int.self) == 8)
      #expect(try row.decode("sent", as: Int64.self) == 1 << 40)
      #expect(try row.decode("weight", as: Double.self) == 2)
      #expect(try row.decode("current", as: Int.self) == 4)
      let hole = try await database.pool.query(
        """
        SELECT h.segment, h.count FROM projection.flows f
        CROSS JOIN LATERAL jsonb_to_recordset(f.holes) AS h (segment bigint, count int)
        """
      ).first
      #expect(try hole?.decode("segment", as: Int64.self) == 3)
      #expect(try hole?.decode("count", as: Int.self) == 7)

      try await write(.queue(.heads([1: 5], epoch: 1, complete: true)), to: store)
      let later = try #require(try await database.pool.query("SELECT * FROM projection.providers").first)
      #expect(try later.decode("unhealthy_until", as: Date?.self) == nil)
      #expect(try later.decode("weight", as: Double.self) == 2)
      #expect(try later.decode("overridden", as: [String].self) == ["rate", "paused"])
      #expect(
        try await database.pool.query("SELECT FROM projection.flows WHERE holes = '[]'").count == 1)
    }
  }
}
