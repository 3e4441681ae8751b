import Postgres

/// The clock that all of Sluice's SQL reads, in one test's database.
///
/// The function `sluice.clock()` itself is replaced: a database that nobody steps has nothing in it that could be set.
public struct DatabaseClock: Sendable {
  let pool: PostgresPool

  public init(pool: PostgresPool) { self.pool = pool }

  /// Sets the clock forward or, with a negative offset, back, measured from the true time.
  ///
  /// Statements that begin later see it, on every connection.
  public func step(to offset: Duration) async throws {
    try await replace("pg_catalog.clock_timestamp() + \(offset / .seconds(1)) * pg_catalog.make_interval(secs => 1)")
  }

  /// Sets the clock right again.
  public func right() async throws { try await replace("pg_catalog.clock_timestamp()") }

  private func replace(_ expression: String) async throws {
    try await pool.withConnection {
      try await $0.execute(
        script: """
          CREATE OR REPLACE FUNCTION sluice.clock() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE
            AS $$SELECT \(expression)$$
          """)
    }
  }
}
