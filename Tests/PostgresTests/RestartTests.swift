import Logging
import NIOConcurrencyHelpers
import Postgres
import TestSupport
import Testing

/// The server goes away and comes back while the pool is in use.
@Suite struct RestartTests {
  @Test(
    "After a restart of the server the same pool goes on by itself, and nothing that was confirmed is lost",
    arguments: [PostgresCluster.Stop.fast, .immediate, .kill])
  func restarts(how: PostgresCluster.Stop) async throws {
    let cluster = try await PostgresCluster.start()
    try await withPool(url: try cluster.url()) { pool in
      try await pool.query("CREATE TABLE t (id bigint PRIMARY KEY)")
      let confirmed = NIOLockedValueBox<[Int]>([])
      let codes = NIOLockedValueBox<Set<PostgresError.Code>>([])
      let writer = Task {
        var id = 0
        while !Task.isCancelled {
          id += 1
          do {
            try await pool.withTransaction { [id] in try await $0.query("INSERT INTO t VALUES (\(id))") }
            confirmed.withLockedValue { $0.append(id) }
          } catch let error as PostgresError {
            _ = codes.withLockedValue { $0.insert(error.code) }
            try? await Task.sleep(for: .milliseconds(20))
          }
        }
      }
      #expect(try await holds { confirmed.withLockedValue { $0.count } > 50 })
      try await cluster.stop(how)
      #expect(try await holds { !pool.isReady })
      let before = confirmed.withLockedValue { $0.count }
      try await cluster.start()
      #expect(try await holds { confirmed.withLockedValue { $0.count } > before + 50 })
      #expect(pool.isReady)
      writer.cancel()
      _ = await writer.result
      let stored = Set(try await pool.query("SELECT id FROM t").map { try $0.decode("id", as: Int.self) })
      #expect(confirmed.withLockedValue { stored.isSuperset(of: $0) })
      #expect(codes.withLockedValue { $0.isSubset(of: [.connection, .commitUnknown, .cancelled]) })
    }
    try await cluster.stop(.immediate)
  }

  @Test("A program that starts before its database waits for it to migrate")
  func startsFirst() async throws {
    let cluster = try await PostgresCluster.start()
    try await cluster.stop(.fast)
    try await withPool(url: try cluster.url()) { pool in
      let migration = Task {
        try await Migrator.migrate(
          schema: "late", migrations: [Migration(version: 1, name: "one", sql: "CREATE TABLE t (id int)")], pool: pool,
          logger: Logger(label: "test"))
      }
      try await Task.sleep(for: .milliseconds(300))
      try await cluster.start()
      try await migration.value
      #expect(try await pool.query("SELECT * FROM late.t").isEmpty)
    }
    try await cluster.stop(.immediate)
  }
}
