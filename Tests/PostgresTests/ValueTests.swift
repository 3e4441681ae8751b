import Foundation
import Postgres
import Testing

/// Values go to the server and come back unchanged.
@Suite struct ValueTests {
  @Test("Every bindable type comes back as it went, also as NULL")
  func scalars() async throws {
    try await withPool { pool in
      func same<Value: PostgresScalar & Equatable>(_ values: Value...) async throws {
        for value in values {
          let rows = try await pool.query("SELECT \(value) AS value, \(Value?.none) AS nothing")
          let row = try #require(rows.first)
          #expect(try row.decode("value", as: Value.self) == value)
          #expect(try row.decode("nothing", as: Value?.self) == nil)
        }
        let rows = try await pool.query("SELECT \(values) AS list, \(values.map(Optional.some) + [nil]) AS gaps")
        let row = try #require(rows.first)
        #expect(try row.decode("list", as: [Value].self) == values)
        #expect(try row.decode("gaps", as: [Value?].self) == values.map(Optional.some) + [nil])
      }
      try await same("", "a\"b'c", #"\n\\"#, "NULL", "{}", "香港 🎈\u{0301}", "a\nb\tc")
      try await same(Int.min, 0, Int.max)
      try await same(Int64.min, Int64.max)
      try await same(Int32.min, Int32.max)
      try await same(Int16.min, Int16.max)
      try await same(0.1, -1e300, .leastNonzeroMagnitude, .infinity, -0.0)
      try await same(true, false)
      try await same(UUID(), UUID())
    }
  }

  @Test("Timestamps keep their microseconds")
  func timestamps() async throws {
    try await withPool { pool in
      for text in ["2026-11-21 08:15:30.123456+00", "1969-12-31 23:59:59.999999+00", "2000-02-29 00:00:00+00"] {
        let rows = try await pool.query("SELECT \(unsafeRaw: "timestamptz '\(text)'") AS at")
        let at: Date = try #require(rows.first).decode("at")
        let back = try await pool.query("SELECT \(at) = \(unsafeRaw: "timestamptz '\(text)'") AS same")
        #expect(try #require(back.first).decode("same", as: Bool.self))
        let array = try await pool.query("SELECT \([at, nil]) AS list")
        #expect(try #require(array.first).decode("list", as: [Date?].self) == [at, nil])
      }
    }
  }

  @Test("Bytes are bytea, of any content, alone and in arrays")
  func bytes() async throws {
    try await withPool { pool in
      let all = (0...255).map { UInt8($0) }
      let rows = try await pool.query(
        "SELECT \(all) AS all, \([UInt8]()) AS none, \([all, []]) AS list, length(\(all)) AS n")
      let row = try #require(rows.first)
      #expect(try row.decode("all", as: [UInt8].self) == all)
      #expect(try row.decode("none", as: [UInt8].self).isEmpty)
      #expect(try row.decode("list", as: [[UInt8]].self) == [all, []])
      #expect(try row.decode("n", as: Int.self) == 256)
    }
  }

  @Test("JSON is jsonb, and invalid JSON is the server's to refuse")
  func json() async throws {
    try await withPool { pool in
      let rows = try await pool.query("SELECT \(PostgresJSON(#"{"a": [1, "x"]}"#))->'a'->>1 AS x")
      #expect(try #require(rows.first).decode("x", as: String.self) == "x")
      let error = await postgresError { try await pool.query("SELECT \(PostgresJSON("{"))") }
      #expect(error?.sqlState == "22P02")
    }
  }

  @Test("A batch is one statement by unnest")
  func batch() async throws {
    try await withPool { pool in
      try await pool.query("CREATE TABLE items (id bigint PRIMARY KEY, name text, at timestamptz, body bytea)")
      let ids = Array(1...500)
      let names: [String?] = ids.map { $0.isMultiple(of: 3) ? nil : "name \"\($0)\" \\ 香" }
      let dates = ids.map { Date(timeIntervalSince1970: Double($0) + 0.000001) }
      let inserted = try await pool.query(
        """
        INSERT INTO items (id, name, at, body)
        SELECT * FROM unnest(\(ids), \(names), \(dates), \(ids.map { [UInt8(truncatingIfNeeded: $0)] }))
        """)
      #expect(inserted.affected == 500)
      let rows = try await pool.query("SELECT id, name FROM items ORDER BY id")
      #expect(try rows.map { try $0.decode("id", as: Int.self) } == ids)
      #expect(try rows.map { try $0.decode("name", as: String?.self) } == names)
    }
  }

  @Test("A text that holds NUL gives an error that names the parameter")
  func nul() async throws {
    try await withPool { pool in
      let error = await postgresError { try await pool.query("SELECT \(1), \("a\0b")") }
      #expect(error?.code == .parameter)
      #expect(error?.message.contains("$2") == true)
      try await pool.query("SELECT 1")
    }
  }

  @Test("Reading a column wrongly names the column, never the value")
  func decoding() async throws {
    try await withPool { pool in
      let row = try #require(try await pool.query("SELECT 'secret' AS name, NULL::text AS gap").first)
      let wrong = #expect(throws: PostgresError.self) { try row.decode("name", as: Int.self) }
      #expect(wrong?.code == .decoding)
      #expect(wrong?.message.contains("name") == true)
      #expect(wrong?.message.contains("secret") == false)
      let null = #expect(throws: PostgresError.self) { try row.decode("gap", as: String.self) }
      #expect(null?.message.contains("NULL") == true)
      let missing = #expect(throws: PostgresError.self) { try row.decode("other", as: String.self) }
      #expect(missing?.message.contains("other") == true)
    }
  }
}
