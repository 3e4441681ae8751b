import Logging
import Postgres

extension Stack {
  /// The stack's database, as the superuser: for measuring, and for what has no route.
  ///
  /// It outlives restarts of the server and ends with the stack.
  public func database() throws -> PostgresPool {
    try pool.withLockedValue { pool in
      if let pool { return pool }
      let made = PostgresPool(
        configuration: try PostgresConfiguration(url: databaseURL), logger: Logger(label: "test.database"))
      pool = made
      return made
    }
  }

  /// Runs one statement as the superuser.
  @discardableResult
  public func query(_ query: PostgresQuery) async throws -> PostgresRows { try await database().query(query) }

  /// The clock that the services' SQL reads.
  public func clock() throws -> DatabaseClock { DatabaseClock(pool: try database()) }
}
