import Postgres
import Testing

@Suite struct TransactionTests {
  private struct Refusal: Error {}

  @Test("A transaction that throws leaves nothing behind")
  func rollsBack() async throws {
    try await withPool { pool in
      try await pool.query("CREATE TABLE t (id int)")
      await #expect(throws: Refusal.self) {
        _ = try await pool.withTransaction { connection in
          try await connection.query("INSERT INTO t VALUES (1)")
          throw Refusal()
        }
      }
      try await pool.withTransaction { try await $0.query("INSERT INTO t VALUES (2)") }
      #expect(try await pool.query("SELECT id FROM t").map { try $0.decode("id", as: Int.self) } == [2])
    }
  }

  @Test("A transaction whose failed statement was swallowed is not reported as committed")
  func swallowed() async throws {
    try await withPool { pool in
      let error = await postgresError {
        try await pool.withTransaction { connection in
          _ = await postgresError { try await connection.query("SELECT 1/0") }
        }
      }
      #expect(error?.sqlState == "25P02")
    }
  }

  @Test("An error at COMMIT is the server's and certain")
  func deferredConstraint() async throws {
    try await withPool { pool in
      try await pool.query("CREATE TABLE t (id int CONSTRAINT t_id_key UNIQUE DEFERRABLE INITIALLY DEFERRED)")
      let error = await postgresError {
        try await pool.withTransaction { try await $0.query("INSERT INTO t VALUES (1), (1)") }
      }
      #expect(error?.code == .server)
      #expect(error?.constraint == "t_id_key")
      #expect(await postgresError { try await pool.query("INSERT INTO t VALUES (1), (1)") }?.isUniqueViolation == true)
    }
  }

  @Test("A lost reply to COMMIT is called unknown")
  func commitUnknown() async throws {
    try await withPool { pool in
      try await pool.withConnection {
        try await $0.execute(
          script: """
            CREATE TABLE t (id int);
            CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
              'BEGIN PERFORM pg_sleep(9); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
              FOR EACH ROW EXECUTE FUNCTION dawdle()
            """)
      }
      let task = Task {
        try await pool.withTransaction { try await $0.query("INSERT INTO t VALUES (1)") }
      }
      #expect(
        try await holds {
          try await pool.query(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE query = 'COMMIT' AND state = 'active' AND datname = current_database()
            """
          ).count == 1
        })
      let error = await postgresError { _ = try await task.value }
      #expect(error?.code == .commitUnknown)
      #expect(error?.isRetryable == false)
      #expect(error?.isConnection == true)
    }
  }

  @Test("A connection that is lost within a transaction may be tried again")
  func lostWithin() async throws {
    try await withPool { pool in
      let error = await postgresError {
        try await pool.withTransaction { connection in
          let pid = try await connection.processID()
          try await pool.query("SELECT pg_terminate_backend(\(Int32(pid)))")
          #expect(
            try await holds { try await pool.query("SELECT FROM pg_stat_activity WHERE pid = \(pid)").count == 0 })
          try await connection.query("SELECT 1")
        }
      }
      #expect(error?.code == .connection)
      #expect(error?.isRetryable == true)
    }
  }

  @Test("What withConnection leaves open is rolled back")
  func leftOpen() async throws {
    try await withPool {
      $0.poolSize = 1
      $0.overflow = 0
    } _: { pool in
      try await pool.query("CREATE TABLE t (id int)")
      try await pool.withConnection { try await $0.execute(script: "BEGIN; INSERT INTO t VALUES (1)") }
      #expect(try await pool.query("SELECT * FROM t").count == 0)
    }
  }

  @Test("A serialization failure is retryable")
  func serialization() async throws {
    try await withPool { pool in
      try await pool.query("CREATE TABLE t (id int)")
      try await pool.query("INSERT INTO t VALUES (1)")
      let error = await postgresError {
        try await pool.withTransaction { connection in
          try await connection.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
          try await connection.query("SELECT * FROM t")
          try await pool.query("UPDATE t SET id = id + 1")
          try await connection.query("UPDATE t SET id = id + 1")
        }
      }
      #expect(error?.sqlState == "40001")
      #expect(error?.isRetryable == true)
    }
  }

  @Test("An actor may use its own state in the body")
  func isolation() async throws {
    actor Counter {
      var count = 0
      func raise(_ pool: PostgresPool) async throws {
        try await pool.withTransaction { connection in
          count += try await connection.query("SELECT 2 AS n").first?.decode("n") ?? 0
        }
      }
    }
    try await withPool { pool in
      let counter = Counter()
      try await counter.raise(pool)
      #expect(await counter.count == 2)
    }
  }
}
