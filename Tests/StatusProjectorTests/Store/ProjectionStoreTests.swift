import Contracts
import Foundation
import Postgres
import TestSupport
import Testing

@testable import StatusProjector

extension ServerSuites {
  @Suite struct ProjectionStoreTests {
    private func write(_ facts: [LoggedFact], to store: ProjectionStore, upTo offset: UInt64 = 1) async throws {
      var batch = FoldedBatch(queueEpoch: try await store.position().queueEpoch)
      for fact in facts { batch.apply(fact) }
      try await store.write(batch, upTo: offset)
    }

    /// Writes facts in batches of random size.
    private func write(_ facts: [LoggedFact], in database: ProjectionDatabase, seed: UInt64) async throws {
      var generator = SeededGenerator(seed: seed)
      let store = try await database.store()
      var rest = facts[...]
      while !rest.isEmpty {
        let count = Int.random(in: 1...60, using: &generator)
        try await write(Array(rest.prefix(count)), to: store)
        rest = rest.dropFirst(count)
      }
    }

    @Test("A log in any order, with repeats and in batches of any size gives equal tables and exact counts")
    func anyOrder() async throws {
      let log = try RecordedLog(messages: 60, seed: 11)
      let facts = try log.lines.map { try $0.logged }
      let straight = try await ProjectionDatabase.migrated()
      try await write(facts, in: straight, seed: 1)
      let expected = try await straight.contents()
      let counts = try await straight.counts()
      #expect(counts.mapValues(\.counts) == log.finalCounts)
      #expect(counts.values.allSatisfy { $0.status == $0.counts.jobStatus.rawValue })

      var generator = SeededGenerator(seed: 2)
      for seed in 3..<23 as Range<UInt64> {
        let database = try await ProjectionDatabase.migrated()
        try await write(facts.disturbed(using: &generator), in: database, seed: seed)
        #expect(try await database.contents() == expected)
      }
      // The whole log once more changes nothing.
      try await write(facts, in: straight, seed: 9)
      #expect(try await straight.contents() == expected)
    }

    @Test("Throughput counts each attempt once")
    func throughput() async throws {
      let log = try RecordedLog(messages: 40, seed: 5)
      let facts = try log.lines.map { try $0.logged }
      var generator = SeededGenerator(seed: 6)
      let database = try await ProjectionDatabase.migrated()
      try await write(facts.disturbed(using: &generator), in: database, seed: 1)
      let sums = try #require(
        try await database.pool.query(
          """
          SELECT (SELECT sum(sent) FROM projection.throughput_read) AS sent,
            (SELECT sum(failed) FROM projection.throughput_read) AS failed,
            count(*) FILTER (WHERE outcome = 'accepted') AS accepted,
            count(*) FILTER (WHERE outcome IN ('rejected', 'retryable', 'unknown')) AS refused
          FROM projection.attempts_read
          """
        ).first)
      #expect(try sums.decode("sent", as: Int.self) == sums.decode("accepted", as: Int.self))
      #expect(try sums.decode("failed", as: Int.self) == sums.decode("refused", as: Int.self))
      #expect(try sums.decode("accepted", as: Int.self) > 0)
    }

    @Test("A unit's fact before its message shows nothing until the message arrives, and then everything")
    func unitFirst() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let messageID = MessageID.timeOrdered()
      let time = Timestamp(microseconds: 1_800_000_000_000_000)
      let sent = UnitChange(
        attempt: AttemptID(messageID: messageID, index: 1, dispatch: 0), state: .sent, dispatch: 0, attemptsUsed: 0,
        provider: "hkt", outcome: .accepted, reply: ProviderReply(status: 200, body: "OK"), finishedAt: time)
      try await write([LoggedFact(at: time, fact: .changed(UnitsChanged(units: [sent])))], to: store)
      #expect(try await database.counts().isEmpty)
      let accepted = MessageAccepted(
        messageID: messageID, userID: .first, messageClass: .normal, content: "Text", recipients: ["+1", "+2", "+3"],
        segments: 1, encoding: "gsm7", acceptedAt: time)
      try await write([LoggedFact(at: time, fact: .accepted(accepted))], to: store)
      let row = try #require(try await database.pool.query("SELECT * FROM projection.messages_read").first)
      let counts = try UnitCounts(row)
      #expect(counts[.sent] == 1)
      #expect(counts[.pending] == 2)
      #expect(try row.decode("dispatched", as: Int.self) == 2)
      #expect(try row.decode("job_status", as: String.self) == "sending")
      #expect(try row.decode("last_reply_body", as: String.self) == "OK")
      #expect(try row.decode("first_phone", as: String.self) == "+1")
      #expect(try row.decode("sent_at", as: Date.self) == time.date)
      #expect(try row.decode("completed_at", as: Date?.self) == nil)
    }

    @Test("The job status in SQL is the contract's")
    func jobStatus() async throws {
      let database = try await ProjectionDatabase.migrated()
      var generator = SeededGenerator(seed: 1)
      for _ in 0..<200 {
        var counts = UnitCounts()
        for state in UnitState.allCases where Int.random(in: 0..<4, using: &generator) == 0 { counts[state] = 2 }
        let row = try #require(
          try await database.pool.query(
            """
            INSERT INTO projection.messages (message_id, \(unsafeRaw: states)) VALUES (gen_random_uuid(),
              \(counts.pending), \(counts.sending), \(counts.retrying), \(counts.dead), \(counts.unconfirmed),
              \(counts.expired), \(counts.cancelled), \(counts.failed), \(counts.sent)) RETURNING job_status
            """
          ).first)
        #expect(try row.decode("job_status", as: String.self) == counts.jobStatus.rawValue)
      }
    }

    private var states: String { UnitState.allCases.map(\.rawValue).joined(separator: ", ") }

    @Test("Complete heads replace the flows; those of an older leader are ignored")
    func queue() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let time = Timestamp(microseconds: 1_800_000_000_000_000)
      func flows(after changes: QueueChanged...) async throws -> [Int] {
        try await write(changes.map { LoggedFact(at: time, fact: .queue($0)) }, to: store)
        return try await database.pool.query("SELECT flow_id FROM projection.flows ORDER BY 1").map {
          try $0.decode("flow_id")
        }
      }
      #expect(try await flows(after: .heads([1: 5, 2: 5], epoch: 3, complete: false)) == [1, 2])
      #expect(try await flows(after: .heads([1: 0, 3: 5], epoch: 3, complete: false)) == [2, 3])
      #expect(try await flows(after: .heads([9: 5], epoch: 2, complete: true)) == [2, 3])
      #expect(try await flows(after: .heads([4: 5], epoch: 3, complete: true)) == [4])
      #expect(try await flows(after: .heads([5: 5], epoch: 4, complete: false)) == [5])
      #expect(try await store.position().queueEpoch == 4)
      // In parts: what none of them names goes with the last, however they fall into batches.
      func part(_ number: Int, _ backlogs: [Int64: Int], after seconds: Int) -> QueueChanged {
        var change = QueueChanged.heads(backlogs, epoch: 5, complete: true)
        change.asOf = time + .seconds(seconds)
        (change.part, change.parts) = (number, 2)
        return change
      }
      #expect(try await flows(after: part(1, [6: 5], after: 1)) == [5, 6])
      #expect(try await flows(after: part(2, [7: 5], after: 1)) == [6, 7])
      #expect(try await flows(after: part(1, [7: 5], after: 2), part(2, [8: 5], after: 2)) == [7, 8])
    }

    @Test("A deposed projector writes nothing")
    func deposed() async throws {
      let database = try await ProjectionDatabase.migrated()
      let old = try await database.store()
      let new = try await database.store()
      let fact = LoggedFact(at: .now(), fact: .providers(.named("hkt", state: "healthy")))
      await #expect(throws: ProjectionStore.Deposed.self) { try await write([fact], to: old, upTo: 7) }
      #expect(try await new.position() == ProjectionStore.Position(offset: nil, queueEpoch: -1))
      #expect(try await database.pool.query("SELECT FROM projection.providers").count == 0)
      try await write([fact], to: new, upTo: 8)
      #expect(try await new.position().offset == 8)
    }

    @Test("Values that no table takes are told apart from an absent database, and leave nothing behind")
    func refusedValues() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let accepted = MessageAccepted(
        messageID: .timeOrdered(), userID: .first, messageClass: .normal, content: "Text", recipients: ["+1"],
        segments: .max, encoding: "gsm7", acceptedAt: .now())
      let error = await #expect(throws: PostgresError.self) {
        try await write([LoggedFact(at: .now(), fact: .accepted(accepted))], to: store)
      }
      #expect(error?.isCausedByValues == true)
      #expect(try await store.position().offset == nil)
    }

    @Test("The time of the log is never in the future, whatever a fact says")
    func logTime() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      try await write([LoggedFact(at: .now() + .seconds(3600), fact: .other)], to: store)
      let row = try #require(
        try await database.pool.query("SELECT log_time <= clock_timestamp() AS sound FROM projection.progress_read")
          .first)
      #expect(try row.decode("sound", as: Bool.self))
    }

    @Test("The gateway's role may read the views, and no table")
    func grants() async throws {
      let database = try await ProjectionDatabase()
      // Roles belong to the whole cluster.
      try await database.pool.query(
        """
        DO $$ BEGIN CREATE ROLE sluice_accounts; EXCEPTION WHEN duplicate_object THEN NULL; END $$
        """)
      try await database.migrate()
      let rows = try await database.pool.query(
        """
        SELECT c.relname AS name, c.relkind = 'v' AS is_view, has_table_privilege('sluice_accounts', c.oid, 'SELECT') AS
          may_read
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'projection' AND c.relkind IN ('r', 'v')
        """)
      #expect(rows.count > 10)
      for row in rows {
        #expect(try row.decode("is_view", as: Bool.self) == row.decode("may_read", as: Bool.self), "\(row)")
      }
    }
  }
}
