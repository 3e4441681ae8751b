import AMQP
import Contracts
import Foundation
import Logging
import NIOConcurrencyHelpers
import Postgres
import TestSupport
import Testing

@testable import StatusProjector

extension ServerSuites {
  @Suite struct RebuildTests {
    private func rebuild(_ broker: ProjectorBroker, _ pool: PostgresPool) throws -> Rebuild {
      Rebuild(
        pool: pool, amqp: try AMQPConfiguration(url: broker.url), logger: .silent, limits: BatchLimits(count: 50),
        patience: .seconds(3), overlap: .seconds(5), dropDelay: .zero)
    }

    /// Folds a log straight into the tables, as if that had been before the stream began.
    private func write(_ log: RecordedLog, _ database: ProjectionDatabase) async throws {
      try await database.store().write(try log.lines.map { try $0.logged }[...])
      try await database.pool.query("UPDATE projection.progress SET log_offset = NULL")
    }

    private func reaches(_ offset: Int, _ database: ProjectionDatabase) async throws {
      try await eventually(within: .seconds(30), "the log is folded up to \(offset)") {
        // The schema may not be there yet.
        let row = try? await database.pool.query("SELECT log_offset FROM projection.progress_read").first
        return try row?.decode("log_offset", as: Int?.self) == offset
      }
    }

    @Test("Whoever may read the old tables may read the new ones, and views made over them must go first")
    func readers() async throws {
      let (broker, database) = (try await ProjectorBroker(), try await ProjectionDatabase.migrated())
      try await broker.publish(try RecordedLog(messages: 5, seed: 3).lines)
      let projector = try RunningProjector(broker: broker, databaseURL: database.url)
      try await reaches(try RecordedLog(messages: 5, seed: 3).lines.count - 1, database)
      try await projector.stop()
      let role = "reader_\(UUID().uuidString.prefix(8).lowercased())"
      try await database.pool.query("CREATE ROLE \(unsafeRaw: role)")
      try await database.pool.query("GRANT SELECT ON projection.messages_read TO \(unsafeRaw: role) WITH GRANT OPTION")
      try await database.pool.query("CREATE SCHEMA reporting")
      try await database.pool.query("CREATE VIEW reporting.daily AS SELECT count(*) FROM projection.messages_read")
      await #expect(throws: RebuildError.dependents(["reporting.daily"])) {
        try await rebuild(broker, database.pool).run()
      }
      try await database.pool.query("DROP VIEW reporting.daily")
      try await rebuild(broker, database.pool).run()
      let may = try await database.pool.query(
        """
        SELECT has_table_privilege(\(role), 'projection.messages_read', 'SELECT WITH GRANT OPTION') AS may,
          has_table_privilege(\(role), 'projection.recipients_read', 'SELECT') AS others
        """
      ).first
      #expect(try may?.decode("may", as: Bool.self) == true)
      #expect(try may?.decode("others", as: Bool.self) == false)
      try await database.pool.query("DROP OWNED BY \(unsafeRaw: role)")
      try await database.pool.query("DROP ROLE \(unsafeRaw: role)")
    }

    @Test("Tables that were damaged are as the log says afterwards, and what is older than the log is kept")
    func repairs() async throws {
      let (broker, database) = (try await ProjectorBroker(), try await ProjectionDatabase.migrated())
      let old = try RecordedLog(messages: 40, seed: 1)
      let new = try RecordedLog(messages: 60, seed: 2, start: old.end + .seconds(60))
      try await write(old, database)
      try await broker.publish(new.lines)
      let first = try RunningProjector(broker: broker, databaseURL: database.url)
      try await reaches(new.lines.count - 1, database)
      try await first.stop()
      let expected = try await database.contents()
      // Those about as old as the log's first fact are copied.
      let ids: [UUID] = try await database.pool.query(
        "SELECT message_id FROM projection.messages WHERE accepted_at > \((new.begin + .seconds(6)).date)"
      ).map { try $0.decode("message_id") }
      #expect(ids.count > 30)
      try await database.pool.query(
        "DELETE FROM projection.attempts WHERE message_id = ANY (\(Array(ids.prefix(20))))")
      try await database.pool.query(
        """
        UPDATE projection.recipients SET state = 'pending', version = 0 WHERE message_id = ANY (\(Array(ids.dropFirst(15))))
        """)
      try await database.pool.query("UPDATE projection.throughput SET sent = sent + 7 WHERE minute > \(new.begin.date)")
      let damaged = try await database.contents()
      #expect(damaged != expected)

      try await rebuild(broker, database.pool).run()
      #expect(try await database.contents() == expected)
      #expect(try await database.relations(in: .retired) == 0)
      // The new generation works on.
      let second = try RunningProjector(broker: broker, databaseURL: database.url)
      let more = try RecordedLog(messages: 5, seed: 3, start: new.end + .seconds(60))
      try await broker.publish(more.lines)
      try await reaches(new.lines.count + more.lines.count - 1, database)
      try await second.stop()
      #expect(try await database.counts().count == 105)
    }

    @Test(
      "Readers, a running projector and prepared statements notice nothing of a rebuild; no row is missing at any time")
    func online() async throws {
      let (broker, database) = (try await ProjectorBroker(), try await ProjectionDatabase())
      try await database.makeRoles()
      try await database.migrate()
      let old = try RecordedLog(messages: 50, seed: 4)
      let new = try RecordedLog(messages: 150, seed: 5, start: old.end + .seconds(60))
      try await write(old, database)
      let half = new.lines.count / 2
      try await broker.publish(Array(new.lines.prefix(half)))
      let projector = try RunningProjector(broker: broker, databaseURL: database.url)
      try await reaches(half - 1, database)
      let known = try await database.counts().count
      let role = database.url(as: "sluice_accounts")
      let isOver = NIOLockedValueBox(false)
      let reads = try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<3 {
          group.addTask {
            // One connection each, so that the same prepared statements live through the exchange.
            var configuration = try PostgresConfiguration(url: role)
            configuration.poolSize = 1
            let pool = PostgresPool(configuration: configuration, logger: .silent)
            var reads = 0
            while !isOver.withLockedValue({ $0 }) {
              try await hammer(pool, number, atLeast: known)
              reads += 1
            }
            await pool.close()
            return reads
          }
        }
        group.addTask {
          defer { isOver.withLockedValue { $0 = true } }
          for line in new.lines.dropFirst(half) { try await broker.publish([line]) }
          return 1
        }
        try await rebuild(broker, database.pool).run()
        try await rebuild(broker, database.pool).run()
        return try await group.reduce(0, +)
      }
      #expect(reads > 50)
      try await reaches(new.lines.count - 1, database)
      try await projector.stop()
      let straight = try await ProjectionDatabase.migrated()
      try await write(old, straight)
      try await write(new, straight)
      #expect(try await database.contents() == straight.contents())
    }

    /// Reads as the gateway does: single statements, a join of two views, a transaction of two.
    private func hammer(_ pool: PostgresPool, _ number: Int, atLeast known: Int) async throws {
      let count: Int? = try await pool.query("SELECT count(*) AS count FROM projection.messages_read").first?
        .decode("count")
      #expect(count ?? 0 >= known)
      let sums = try await pool.query(
        """
        SELECT (SELECT messages FROM projection.totals_read WHERE user_id IS NULL) AS total,
          (SELECT count(*) FROM projection.messages_read) AS counted
        """
      ).first
      #expect(try sums?.decode("total", as: Int.self) == sums?.decode("counted", as: Int.self))
      _ = try await pool.query(
        """
        SELECT m.message_id, r.phone FROM projection.messages_read m JOIN projection.recipients_read r USING (message_id)
        ORDER BY m.accepted_at DESC, r.unit_index LIMIT \(10 + number)
        """)
      _ = try await pool.query("SELECT * FROM projection.ledger_read")
      try await pool.withTransaction { connection in
        try await connection.query("SELECT log_offset FROM projection.progress_read")
        try await connection.query("SELECT * FROM projection.attempts_read LIMIT 5")
      }
    }

    @Test("A log that is empty, or that ends before the tables, is said, and nothing changes")
    func endsEarly() async throws {
      let (broker, database) = (try await ProjectorBroker(), try await ProjectionDatabase.migrated())
      let old = try RecordedLog(messages: 5, seed: 6)
      try await write(old, database)
      let before = try await database.contents()
      await #expect(throws: RebuildError.logEmpty) { try await rebuild(broker, database.pool).run() }
      let log = try RecordedLog(messages: 3, seed: 7, start: old.end + .seconds(60))
      try await broker.publish(log.lines)
      try await database.pool.query("UPDATE projection.progress SET log_offset = 5000")
      let end = UInt64(log.lines.count - 1)
      await #expect(throws: RebuildError.logEnds(at: end, tables: 5000)) {
        try await rebuild(broker, database.pool).run()
      }
      #expect(try await database.contents() == before)
      // What an aborted one leaves is cleaned by the next.
      try await database.pool.query("UPDATE projection.progress SET log_offset = \(Int64(end))")
      try await rebuild(broker, database.pool).run()
      #expect(try await database.counts().count == 8)
    }

    @Test("The command ends with 0 and works with the service's own role, which may make no schema")
    func command() async throws {
      let (broker, database) = (try await ProjectorBroker(), try await ProjectionDatabase())
      try await database.makeRoles()
      let url = database.url(as: "sluice_projection")
      let log = try RecordedLog(messages: 20, seed: 8)
      try await broker.publish(log.lines)
      let projector = try RunningProjector(broker: broker, databaseURL: url)
      try await reaches(log.lines.count - 1, database)
      let expected = try await database.contents()
      let made = try await database.pool.query("SELECT 'projection.messages'::regclass::oid::bigint AS id").first
      let command = try ProjectorProcess(
        instance: "rebuild", arguments: ["rebuild", "--keep-old", "0s"], broker: broker, databaseURL: url)
      #expect(try await command.ends(within: .seconds(60)) == 0)
      let now = try await database.pool.query("SELECT 'projection.messages'::regclass::oid::bigint AS id").first
      #expect(try made?.decode("id", as: Int64.self) != now?.decode("id", as: Int64.self))
      #expect(try await database.contents() == expected)
      try await projector.stop()
    }
  }
}
