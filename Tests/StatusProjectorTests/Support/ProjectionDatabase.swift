import Contracts
import Foundation
import Logging
import Postgres
import TestSupport

@testable import StatusProjector

/// A database of a test's own, with the projection's schema in it.
struct ProjectionDatabase: Sendable {
  let url: String
  let pool: PostgresPool

  /// An empty one.
  init(in cluster: PostgresCluster? = nil) async throws {
    if let cluster {
      url = try await cluster.makeDatabase()
    } else {
      url = try await PostgresCluster.shared().makeDatabase()
    }
    pool = PostgresPool(configuration: try PostgresConfiguration(url: url), logger: .silent)
  }

  /// One with all migrations.
  static func migrated() async throws -> ProjectionDatabase {
    let database = try await ProjectionDatabase()
    try await database.migrate()
    return database
  }

  func migrate() async throws {
    try await ProjectionMigrations.apply(to: .live, pool: pool, logger: .silent)
  }

  /// The roles and schemas of `roles.sql`, as far as the projector is concerned. Roles belong to the whole cluster.
  func makeRoles() async throws {
    for role in ["sluice_accounts", "sluice_projection"] {
      try await pool.query(
        "DO $$ BEGIN CREATE ROLE \(unsafeRaw: role); EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    }
    for schema in [ProjectionSchema.live, .rebuild, .retired] {
      try await pool.query("CREATE SCHEMA \(schema) AUTHORIZATION sluice_projection")
    }
    try await pool.query("GRANT USAGE ON SCHEMA sluice TO sluice_accounts, sluice_projection")
  }

  /// The same database, as one of the roles.
  func url(as role: String) -> String { "\(url)?options=-c%20role%3D\(role)" }

  /// What lies in a schema.
  func relations(in schema: ProjectionSchema) async throws -> Int {
    try await pool.query("SELECT FROM pg_class WHERE relnamespace = \(schema.name)::text::regnamespace").count
  }

  /// A store that leads.
  func store() async throws -> ProjectionStore {
    let row = try await pool.query("UPDATE projection.leadership SET epoch = epoch + 1 RETURNING epoch").first
    guard let epoch: Int64 = try row?.decode("epoch") else { throw Missing() }
    return ProjectionStore(pool: pool, epoch: epoch)
  }

  struct Missing: Error {}

  /// Every row of every table about messages, as text.
  func contents(of schema: ProjectionSchema = .live) async throws -> [String] {
    var rows: [String] = []
    for table in ["messages", "user_pauses", "recipients", "attempts", "throughput"] {
      rows += try await pool.query(
        "SELECT t::text AS line FROM \(schema).\(unsafeRaw: table) t ORDER BY t::text COLLATE \"C\""
      ).map { "\(table) \(try $0.decode("line", as: String.self))" }
    }
    return rows
  }

  /// The counts of every message, as the gateway reads them.
  func counts() async throws -> [MessageID: (counts: UnitCounts, status: String)] {
    var counts: [MessageID: (counts: UnitCounts, status: String)] = [:]
    for row in try await pool.query("SELECT * FROM projection.messages_read") {
      let id = MessageID(try row.decode("message_id", as: UUID.self))
      counts[id] = (try UnitCounts(row), try row.decode("job_status"))
    }
    return counts
  }
}

extension UnitCounts {
  /// Of a row that has a column for each state.
  init(_ row: PostgresRow) throws {
    self.init()
    for state in UnitState.allCases { self[state] = try row.decode(state.rawValue) }
  }
}

extension Logger {
  /// Says nothing.
  static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

extension ProjectionStore {
  /// Writes facts as one batch.
  func write(_ facts: ArraySlice<LoggedFact>, upTo offset: UInt64 = 1) async throws {
    var batch = FoldedBatch(queueEpoch: try await position().queueEpoch)
    for fact in facts { batch.apply(fact) }
    try await write(batch, upTo: offset)
  }
}
