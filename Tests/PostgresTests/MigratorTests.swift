import Logging
@testable import Postgres
import Testing

@Suite struct MigratorTests {
  private let logger = Logger(label: "test")
  private let first = Migration(
    version: 1, name: "tables", sql: "CREATE TABLE \"odd \"\"name\".t (id int); INSERT INTO t VALUES (1), (2)")
  private let second = Migration(version: 2, name: "more", sql: "INSERT INTO t SELECT id + 2 FROM t")
  private let schema = "odd \"name"

  private func count(_ pool: PostgresPool) async throws -> Int {
    try await pool.query("SELECT * FROM \"odd \"\"name\".t").count
  }

  @Test("Migrations are applied once and in order, whoever starts when")
  func once() async throws {
    try await withPool { pool in
      try await Migrator.migrate(schema: schema, migrations: [first], pool: pool, logger: logger)
      for _ in 0..<2 {
        try await Migrator.migrate(schema: schema, migrations: [second, first], pool: pool, logger: logger)
      }
      #expect(try await count(pool) == 4)
      try await Migrator.migrate(schema: schema, migrations: [first], pool: pool, logger: logger)
    }
  }

  @Test("Replicas that start at once apply each migration once")
  func concurrent() async throws {
    try await withPool { pool in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<5 {
          group.addTask {
            try await withPool(url: pool.url) { pool in
              try await Migrator.migrate(schema: schema, migrations: [first, second], pool: pool, logger: logger)
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await count(pool) == 4)
    }
  }

  @Test("A migration whose text has changed is refused and nothing is applied")
  func changed() async throws {
    try await withPool { pool in
      try await Migrator.migrate(schema: schema, migrations: [first], pool: pool, logger: logger)
      let changed = Migration(version: 1, name: "tables", sql: first.sql + " ")
      await #expect(throws: MigrationError.checksumChanged(schema: schema, version: 1, name: "tables")) {
        try await Migrator.migrate(schema: schema, migrations: [changed, second], pool: pool, logger: logger)
      }
      #expect(try await count(pool) == 2)
    }
  }

  @Test("A migration that fails leaves nothing of the others behind")
  func fails() async throws {
    try await withPool { pool in
      let broken = Migration(version: 3, name: "broken", sql: "CREATE TABLE u (id int); SELECT 1/0")
      let error = await postgresError {
        try await Migrator.migrate(schema: schema, migrations: [first, broken], pool: pool, logger: logger)
      }
      #expect(error?.sqlState == "22012")
      let left = try await pool.query("SELECT FROM pg_namespace WHERE nspname = \(schema)")
      #expect(left.isEmpty)
    }
  }

  @Test("A role that owns its schema needs no right to create schemas")
  func leastPrivilege() async throws {
    try await withPool { pool in
      try await pool.withConnection {
        try await $0.execute(
          script: """
            CREATE ROLE narrow LOGIN PASSWORD 'narrow';
            CREATE SCHEMA narrow AUTHORIZATION narrow
            """)
      }
      let url = pool.url.replacing(/\/\/[^@]*@/, with: "//narrow:narrow@")
      try await withPool(url: url) { pool in
        for _ in 0..<2 {
          try await Migrator.migrate(
            schema: "narrow", migrations: [Migration(version: 1, name: "t", sql: "CREATE TABLE t (id int)")],
            pool: pool,
            logger: logger)
        }
        #expect(try await pool.query("SELECT * FROM narrow.t").isEmpty)
      }
    }
  }
}
