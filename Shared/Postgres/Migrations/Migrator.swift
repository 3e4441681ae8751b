import Logging

/// Brings a schema up to the version that the program needs.
///
/// What was applied is in `SCHEMA.schema_migrations`. All pending migrations are applied in one transaction under a lock,
/// so any number of replicas may start at once: one migrates, the others find nothing left to do.
public struct Migrator: Sendable {
  private let schema: String
  private let migrations: [Migration]
  private let logger: Logger

  /// Waits at most 30 s for the server, then applies what is pending.
  /// - Throws: `MigrationError`, or `PostgresError`; then nothing was applied.
  public static func migrate(
    schema: String, migrations: [Migration], pool: PostgresPool, logger: Logger
  ) async throws {
    let migrator = Migrator(schema: schema, migrations: migrations, logger: logger)
    let deadline = ContinuousClock.now + .seconds(30)
    var pause = Duration.milliseconds(100)
    while true {
      do {
        return try await pool.withTransaction { try await migrator.apply($0) }
      } catch let error as PostgresError where error.isConnection && ContinuousClock.now + pause < deadline {
        // A lost COMMIT is no exception: what was applied is found applied.
        logger.info("waiting for the database to migrate", metadata: ["error": "\(error)", "schema": "\(schema)"])
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .seconds(1))
      }
    }
  }

  private func apply(_ connection: PostgresConnection) async throws {
    let quoted = schema.quotedIdentifier
    // Another replica may take its time; so may a migration of a large table.
    try await connection.execute(script: "SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = '10min'")
    try await connection.take(lockOf: schema)
    let exists = try await connection.query("SELECT FROM pg_namespace WHERE nspname = \(schema)").count > 0
    if !exists { try await connection.execute(script: "CREATE SCHEMA \(quoted)") }
    try await connection.execute(
      script: """
        SET LOCAL client_min_messages = warning;
        CREATE TABLE IF NOT EXISTS \(quoted).schema_migrations (
          version bigint NOT NULL CONSTRAINT schema_migrations_pkey PRIMARY KEY,
          name text NOT NULL,
          checksum text NOT NULL,
          applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        SET LOCAL search_path = \(quoted), public
        """)
    let plan = try await plan(connection)
    if !plan.unknown.isEmpty {
      logger.notice(
        "schema is newer than this program", metadata: ["schema": "\(schema)", "versions": "\(plan.unknown)"])
    }
    for migration in plan.pending {
      try await connection.execute(script: migration.sql, timeout: .seconds(600))
      try await connection.query(
        """
        INSERT INTO \(unsafeRaw: quoted).schema_migrations (version, name, checksum)
        VALUES (\(migration.version), \(migration.name), encode(sha256(convert_to(\(migration.sql), 'UTF8')), 'hex'))
        """)
      logger.info(
        "migration applied",
        metadata: ["schema": "\(schema)", "version": "\(migration.version)", "name": "\(migration.name)"])
    }
  }

  private func plan(_ connection: PostgresConnection) async throws -> MigrationPlan {
    let applied = try await connection.query(
      "SELECT version, checksum FROM \(unsafeRaw: schema.quotedIdentifier).schema_migrations ORDER BY version"
    ).map { MigrationPlan.Applied(version: try $0.decode("version"), checksum: try $0.decode("checksum")) }
    let checksums: [String] = try await connection.query(
      """
      SELECT encode(sha256(convert_to(sql, 'UTF8')), 'hex') AS checksum
      FROM unnest(\(migrations.map(\.sql))) WITH ORDINALITY AS t(sql, place) ORDER BY place
      """
    ).map { try $0.decode("checksum") }
    return try MigrationPlan(schema: schema, migrations: Array(zip(migrations, checksums)), applied: applied)
  }
}

extension PostgresConnection {
  /// Takes the lock that serialises migrations of one schema, until the end of the transaction.
  fileprivate func take(lockOf schema: String) async throws {
    let name = "sluice migrations of \(schema)"
    try await execute(
      script: "SELECT pg_advisory_xact_lock(hashtextextended(\(name.quotedLiteral), 0))", timeout: .seconds(60))
  }
}

extension String {
  /// As an SQL identifier, whatever it holds.
  fileprivate var quotedIdentifier: String {
    "\"\(split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
  }

  /// As an SQL text, whatever it holds.
  fileprivate var quotedLiteral: String {
    "'\(split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
  }
}
