import Logging
import Postgres
import TestSupport

@testable import DeadLetter

let noLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A migrated database of its own on the shared server.
func withDatabase<Result>(_ body: (PostgresPool) async throws -> Result) async throws -> Result {
  try await withDatabase { pool, _ in try await body(pool) }
}

/// - Parameter body: Also told the superuser's URL.
func withDatabase<Result>(_ body: (PostgresPool, String) async throws -> Result) async throws -> Result {
  let url = try await PostgresCluster.shared().makeDatabase()
  let logger = noLogger
  let pool = PostgresPool(configuration: try PostgresConfiguration(url: url), logger: logger)
  do {
    try await Migrator.migrate(
      schema: DeadLetterSchema.name, migrations: DeadLetterSchema.migrations, pool: pool, logger: logger)
    let result = try await body(pool, url)
    await pool.close()
    return result
  } catch {
    await pool.close()
    throw error
  }
}
