import Postgres

/// Puts the new tables in the place of the old ones, in one transaction.
struct GenerationSwap: Sendable {
  let pool: PostgresPool
  /// The epoch under which the new tables were written: another rebuild has begun when theirs is different.
  let epoch: Int64

  /// Holds the live projector off, lets the new tables catch up with the old ones, and exchanges them.
  ///
  /// A reader that waits for a table finds the new one by its name afterwards; one that runs reads the old one to its end.
  /// The live projector finds a higher epoch, and goes on from the new tables' offset.
  /// - Parameter catchUp: Folds the log into the new tables up to this offset.
  /// - Throws: `PostgresError` with `.timeout` when the tables did not become free quickly; then try again.
  func run(catchUp: (UInt64?) async throws -> Void) async throws {
    try await pool.withTransaction { connection in
      try await connection.execute(
        script: "SET LOCAL idle_in_transaction_session_timeout = '60s'; SET LOCAL lock_timeout = '900ms'")
      // Both at once: the projector's first statement uses both, and would hold one while it waits for the other.
      try await connection.query(
        "LOCK TABLE \(ProjectionSchema.live).leadership, \(ProjectionSchema.live).progress IN EXCLUSIVE MODE")
      try await catchUp(try await Self.offset(connection))
      try await check(connection)
      try await handOver(connection)
      // Far shorter than deadlock_timeout (1 s): a reader that waits for a table while it holds another is not the one that
      // is ended, on a busy machine either. Readers repeat a statement that is.
      try await connection.execute(script: "SET LOCAL statement_timeout = '200ms'")
      let names = try await Self.relations(connection)
      try await connection.query("LOCK TABLE \(unsafeRaw: names) IN ACCESS EXCLUSIVE MODE")
      // Nobody can migrate them from here on.
      try await checkMigrations(connection)
      try await connection.execute(
        script: """
          SET LOCAL statement_timeout = '10s';
          \(GenerationStore.copyGrants(from: .live, to: .rebuild))
          \(GenerationStore.move(from: .live, to: .retired))
          \(GenerationStore.move(from: .rebuild, to: .live))
          """)
    }
  }

  private static func offset(_ connection: PostgresConnection) async throws -> UInt64? {
    let row = try await connection.query("SELECT log_offset FROM \(ProjectionSchema.live).progress").first
    return try row?.decode("log_offset", as: Int64?.self).flatMap(UInt64.init(exactly:))
  }

  /// Everything that readers may hold, for a list.
  private static func relations(_ connection: PostgresConnection) async throws -> String {
    let row = try await connection.query(
      """
      SELECT string_agg(format('%I.%I', \(ProjectionSchema.live.name)::text, relname), ', ' ORDER BY relkind DESC, oid)
        AS names
      FROM pg_class WHERE relnamespace = \(ProjectionSchema.live.name)::text::regnamespace AND relkind IN ('r', 'p', 'v')
      """
    ).first
    guard let names: String = try row?.decode("names") else { throw RebuildError.newerSchema }
    return names
  }

  /// The new tables are ours, and know every migration of the old ones.
  private func check(_ connection: PostgresConnection) async throws {
    let owned = try await connection.query(
      "SELECT FROM \(ProjectionSchema.rebuild).leadership WHERE epoch = \(epoch) FOR UPDATE")
    guard owned.count == 1 else { throw ProjectionStore.Deposed() }
    try await checkMigrations(connection)
  }

  private func checkMigrations(_ connection: PostgresConnection) async throws {
    let unknown = try await connection.query(
      """
      SELECT version FROM \(ProjectionSchema.live).schema_migrations
      EXCEPT SELECT version FROM \(ProjectionSchema.rebuild).schema_migrations
      """)
    guard unknown.isEmpty else { throw RebuildError.newerSchema }
  }

  /// A higher epoch, a lease that nobody holds, and a log time that never goes back.
  private func handOver(_ connection: PostgresConnection) async throws {
    try await connection.query(
      """
      UPDATE \(ProjectionSchema.rebuild).leadership SET holder = '', incarnation = NULL, until_at = '-infinity',
        epoch = (SELECT epoch + 1 FROM \(ProjectionSchema.live).leadership)
      """)
    try await connection.query(
      """
      UPDATE \(ProjectionSchema.rebuild).progress
      SET log_time = greatest(log_time, (SELECT log_time FROM \(ProjectionSchema.live).progress))
      """)
  }
}
