import Postgres
import Testing

/// Statements, their errors and the cache of prepared ones, against a server.
@Suite struct StatementTests {
  @Test("A violated constraint is known by SQLSTATE and name, and the description holds no data")
  func uniqueViolation() async throws {
    try await withPool { pool in
      try await pool.query("CREATE TABLE users (name text CONSTRAINT users_name_key UNIQUE)")
      try await pool.query("INSERT INTO users VALUES (\("+85291234567"))")
      let error = await postgresError { try await pool.query("INSERT INTO users VALUES (\("+85291234567"))") }
      #expect(error?.code == .server)
      #expect(error?.isUniqueViolation == true)
      #expect(error?.constraint == "users_name_key")
      #expect("\(String(describing: error?.description))".contains("91234567") == false)
      #expect(error?.debugDescription.contains("91234567") == true)
    }
  }

  @Test("A statement that takes too long is ended by the server, and the connection goes on")
  func statementTimeout() async throws {
    try await withPool {
      $0.statementTimeout = .milliseconds(200)
    } _: { pool in
      try await pool.withConnection { connection in
        let pid = try await connection.processID()
        let error = await postgresError { try await connection.query("SELECT pg_sleep(30)") }
        #expect(error?.code == .timeout)
        #expect(error?.sqlState == "57014")
        #expect(try await connection.processID() == pid)
      }
    }
  }

  @Test("A lock that is not given in time is an error of its own")
  func lockTimeout() async throws {
    try await withPool {
      $0.lockTimeout = .milliseconds(100)
    } _: { pool in
      try await pool.query("CREATE TABLE t (id int)")
      try await pool.withTransaction { connection in
        try await connection.query("LOCK TABLE t")
        let error = await postgresError { try await pool.query("SELECT * FROM t") }
        #expect(error?.sqlState == "55P03")
      }
    }
  }

  @Test("Statements are prepared once, and the least used are deallocated")
  func preparedOnce() async throws {
    try await withPool { pool in
      try await pool.withConnection { connection in
        for index in 0..<3 {
          let rows = try await connection.query("SELECT \(index) + 1 AS next")
          #expect(try #require(rows.first).decode("next", as: Int.self) == index + 1)
        }
        let count: PostgresQuery = "SELECT count(*) AS n FROM pg_prepared_statements"
        #expect(try await connection.query(count).first?.decode("n", as: Int.self) == 2)
        for index in 0..<300 { try await connection.query(PostgresQuery(unsafeSQL: "SELECT \(index)")) }
        let kept = try await connection.query(count).first?.decode("n", as: Int.self) ?? 0
        #expect((195...202).contains(kept))
      }
    }
  }

  @Test("A statement whose table changed or that was deallocated is prepared again")
  func stalePlans() async throws {
    try await withPool { pool in
      try await pool.withConnection { connection in
        try await connection.query("CREATE TABLE t (a int)")
        try await connection.query("INSERT INTO t VALUES (1)")
        let all: PostgresQuery = "SELECT * FROM t"
        try await connection.query(all)
        try await connection.query("ALTER TABLE t ADD b int DEFAULT 2")
        #expect(try await connection.query(all).first?.decode("b", as: Int.self) == 2)
        try await connection.execute(script: "DEALLOCATE ALL")
        #expect(try await connection.query(all).first?.decode("b", as: Int.self) == 2)
      }
    }
  }

  @Test("A script runs all of its statements or none")
  func script() async throws {
    try await withPool { pool in
      try await pool.withConnection { connection in
        try await connection.execute(
          script: "CREATE TABLE t (id int); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)")
        let error = await postgresError {
          try await connection.execute(script: "DELETE FROM t; SELECT 1/0; INSERT INTO t VALUES (3)")
        }
        #expect(error?.sqlState == "22012")
        #expect(try await connection.query("SELECT * FROM t").count == 2)
      }
    }
  }

  @Test("COPY is refused and costs the connection, not the pool")
  func copy() async throws {
    try await withPool { pool in
      let error = await postgresError {
        try await pool.withConnection { try await $0.execute(script: "COPY (SELECT 1) TO STDOUT") }
      }
      #expect(error?.isConnection == true)
      try await pool.query("SELECT 1")
    }
  }

  @Test("Large values and results pass in both directions")
  func large() async throws {
    try await withPool { pool in
      let text = String(repeating: "香港 SMS ", count: 800_000)
      let rows = try await pool.query("SELECT \(text) AS text, generate_series(1, 3) AS n")
      #expect(rows.count == 3)
      #expect(try rows.last?.decode("text", as: String.self) == text)
    }
  }
}
