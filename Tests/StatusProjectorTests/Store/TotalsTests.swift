import Contracts
import Foundation
import Postgres
import TestSupport
import Testing

@testable import StatusProjector

extension ServerSuites {
  @Suite struct TotalsTests {
    /// What the triggers keep beside what counting gives; equal rows are left out.
    private func differences(_ database: ProjectionDatabase) async throws -> [String] {
      let states = UnitState.allCases.map(\.rawValue)
      let statuses = JobStatus.allCases.map { status in
        "count(*) FILTER (WHERE job_status = '\(status.rawValue)') AS \(status.rawValue)_messages"
      }
      let sums = states.map { "coalesce(sum(\($0)), 0) AS \($0)" }
      let columns = JobStatus.allCases.map { "\($0.rawValue)_messages" } + ["units"] + states
      let names = columns.joined(separator: ", ")
      let counted = (statuses + ["coalesce(sum(recipient_count), 0) AS units"] + sums).joined(separator: ", ")
      let kept = columns.map { "\($0) <> 0" }.joined(separator: " OR ")
      let bucketColumns = (["messages"] + states).joined(separator: ", ")
      let rows = try await database.pool.query(
        """
        WITH kept AS (SELECT user_id, \(unsafeRaw: names) FROM projection.totals_read
          WHERE user_id IS NULL OR \(unsafeRaw: kept)),
        counted AS (SELECT user_id, \(unsafeRaw: counted) FROM projection.messages_read GROUP BY GROUPING SETS ((user_id), ())),
        held AS (SELECT bucket, \(unsafeRaw: bucketColumns) FROM projection.ledger_buckets WHERE messages <> 0),
        found AS (
          SELECT \(unsafeRaw: LedgerBucket.sql("message_id")) AS bucket, count(*) AS messages, \(unsafeRaw: sums.joined(separator: ", "))
          FROM projection.messages WHERE flow_id IS NOT NULL AND job_status IN ('pending', 'sending') GROUP BY 1)
        SELECT 'kept ' || t::text AS line FROM (TABLE kept EXCEPT TABLE counted) t
        UNION ALL SELECT 'counted ' || t::text FROM (TABLE counted EXCEPT TABLE kept) t
        UNION ALL SELECT 'held ' || t::text FROM (TABLE held EXCEPT TABLE found) t
        UNION ALL SELECT 'found ' || t::text FROM (TABLE found EXCEPT TABLE held) t
        UNION ALL SELECT 'oldest pending' WHERE
          (SELECT oldest_pending_at FROM projection.totals_read WHERE user_id IS NULL)
          IS DISTINCT FROM (SELECT min(greatest(accepted_at, send_at)) FROM projection.messages_read
            WHERE pending + retrying > 0 AND greatest(accepted_at, send_at) <= sluice.clock())
        """)
      return try rows.map { try $0.decode("line") }
    }

    @Test(
      "Totals and ledger buckets equal a recount after every batch, whatever order the facts come in", arguments: 0..<3)
    func recount(seed: UInt64) async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      var generator = SeededGenerator(seed: seed)
      var facts = try RecordedLog(messages: 25, seed: seed).lines.map { try $0.logged }
      if seed > 0 { facts = facts.disturbed(using: &generator) }
      while !facts.isEmpty {
        let count = Int.random(in: 1...25, using: &generator)
        try await store.write(facts.prefix(count))
        facts.removeFirst(min(count, facts.count))
        #expect(try await differences(database) == [])
      }
      let total = try await database.pool.query("SELECT units FROM projection.totals_read WHERE user_id IS NULL").first
      #expect(try total?.decode("units", as: Int.self) ?? 0 > 25)
    }

    @Test("What is to go later waits from its time on, and not before")
    func scheduled() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let facts = try RecordedLog(messages: 30, seed: 9).lines.map { try $0.logged }
      try await store.write(facts.prefix(facts.count / 2))
      func oldest() async throws -> Date? {
        try await database.pool.query("SELECT oldest_pending_at FROM projection.totals_read WHERE user_id IS NULL")
          .first?.decode("oldest_pending_at")
      }
      // Long ago, whenever the log was.
      try await database.pool.query(
        "UPDATE projection.messages SET accepted_at = accepted_at - interval '10 y', send_at = NULL")
      let before = try #require(try await oldest())
      try await database.pool.query(
        "UPDATE projection.messages SET send_at = sluice.clock() + interval '1 h', paused = true")
      #expect(try await oldest() == nil)
      try await database.pool.query("UPDATE projection.messages SET send_at = accepted_at + interval '1 ms'")
      let since = try #require(try await oldest())
      #expect(abs(since.timeIntervalSince(before) - 0.001) < 0.0001)
      // Whoever is held back waits all the same.
      try await database.pool.query("UPDATE projection.messages SET send_at = NULL")
      #expect(try await oldest() == before)
    }

    @Test("Totals follow a deletion, a change by hand and a change of user")
    func byHand() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      try await store.write(try RecordedLog(messages: 30, seed: 9).lines.map { try $0.logged }[...])
      try await database.pool.query(
        "DELETE FROM projection.messages WHERE message_id IN (SELECT message_id FROM projection.messages LIMIT 11)")
      #expect(try await differences(database) == [])
      try await database.pool.query("UPDATE projection.messages SET user_id = gen_random_uuid(), pending = pending + 3")
      #expect(try await differences(database) == [])
      try await database.pool.query("UPDATE projection.messages SET accepted_at = NULL, flow_id = NULL")
      #expect(try await differences(database) == [])
      try await database.pool.query("DELETE FROM projection.messages")
      #expect(try await differences(database) == [])
    }
  }

  /// States have one spelling everywhere.
  @Suite struct StateChecksTests {
    private func names(_ constraint: String, _ database: ProjectionDatabase) async throws -> Set<String> {
      let rows = try await database.pool.query(
        """
        SELECT m[1] AS name FROM pg_constraint c,
          regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''', 'g') AS m
        WHERE c.conname = \(constraint) AND c.connamespace = 'projection'::regnamespace
        """)
      return Set(try rows.map { try $0.decode("name", as: String.self) })
    }

    @Test("Every state of the contract is accepted by its table, and no other")
    func bothWays() async throws {
      let database = try await ProjectionDatabase.migrated()
      let classes = Set(MessageClass.allCases.map(\.rawValue))
      #expect(try await names("messages_class", database) == classes)
      #expect(try await names("classes_class", database) == classes)
      #expect(try await names("flows_class", database) == classes)
      #expect(try await names("messages_job_status", database) == Set(JobStatus.allCases.map(\.rawValue)))
      #expect(try await names("recipients_state", database) == Set(UnitState.allCases.map(\.rawValue)))
      #expect(try await names("attempts_outcome", database) == Set(AttemptOutcome.allCases.map(\.rawValue)))
      // As `ProvidersChanged.Entry.state` names them.
      #expect(try await names("providers_state", database) == ["healthy", "unhealthy", "probing", "paused"])
    }
  }
}
