import Logging
import Postgres

/// The read tables of one generation, oldest version first. A migration that has been released is never edited.
///
/// They name no schema. What runs later and not within a migration (a function's body in PL/pgSQL) finds its tables by
/// `TG_TABLE_SCHEMA`, or is written in standard SQL (`BEGIN ATOMIC`): a rebuild moves tables to another schema.
enum ProjectionMigrations {
  static let all = [
    Migration(version: 1, name: "read tables", sql: readTables),
    Migration(version: 2, name: "read views", sql: readViews),
    Migration(version: 3, name: "controls", sql: controls),
    Migration(version: 4, name: "totals and ledger", sql: [totals, publishedViews, ledger].joined(separator: "\n")),
    Migration(version: 5, name: "queue functions", sql: queueFunctions),
    Migration(version: 6, name: "indexes for lists", sql: listIndexes),
    Migration(version: 7, name: "oldest pending", sql: oldestPending),
    Migration(version: 8, name: "a queue for each provider", sql: queueOfEachProvider),
  ]

  /// Brings a schema up to date, and makes it when there is none.
  static func apply(to schema: ProjectionSchema, pool: PostgresPool, logger: Logger) async throws {
    try await Migrator.migrate(schema: schema.name, migrations: all, pool: pool, logger: logger)
  }
}
