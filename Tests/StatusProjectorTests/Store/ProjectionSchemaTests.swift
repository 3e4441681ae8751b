import Postgres
import TestSupport
import Testing

@testable import StatusProjector

extension ServerSuites {
  @Suite struct ProjectionSchemaTests {
    private func relations(_ schema: ProjectionSchema, _ database: ProjectionDatabase) async throws -> [String] {
      try await database.pool.query(
        """
        SELECT c.relname || ' ' || coalesce(string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', '
          ORDER BY a.attname), '') || coalesce(pg_get_indexdef(i.indexrelid), '') AS line
        FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        LEFT JOIN pg_index i ON i.indexrelid = c.oid
        WHERE c.relnamespace = \(schema.name)::text::regnamespace AND c.relkind IN ('r', 'v', 'i')
        GROUP BY c.oid, c.relname, i.indexrelid ORDER BY 1
        """
      ).map { try $0.decode("line", as: String.self).replacing("\(schema.name).", with: "") }
    }

    @Test("The same migrations make the same relations in any schema")
    func anySchema() async throws {
      let database = try await ProjectionDatabase.migrated()
      try await ProjectionMigrations.apply(to: .rebuild, pool: database.pool, logger: .silent)
      let live = try await relations(.live, database)
      #expect(live.count > 20)
      #expect(try await relations(.rebuild, database) == live)
    }

    @Test("A store writes its own schema and nothing else")
    func ownSchema() async throws {
      let database = try await ProjectionDatabase.migrated()
      try await ProjectionMigrations.apply(to: .rebuild, pool: database.pool, logger: .silent)
      let log = try RecordedLog(messages: 20, seed: 3)
      var batch = FoldedBatch(queueEpoch: -1)
      for line in log.lines { batch.apply(try line.logged) }
      batch.apply(LoggedFact(at: .now(), fact: .queue(.heads([1: 5], epoch: 1, complete: true))))
      try await ProjectionStore(pool: database.pool, schema: .rebuild, epoch: 0).write(batch, upTo: 7)
      #expect(try await database.contents().isEmpty)
      let made = try await database.contents(of: .rebuild)
      try await database.store().write(batch, upTo: 7)
      #expect(try await database.contents() == made)
    }
  }
}
