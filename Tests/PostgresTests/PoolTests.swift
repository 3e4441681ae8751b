import Foundation
@testable import Postgres
import TestSupport
import Testing

@Suite struct PoolTests {
  @Test("Whoever waits too long for a connection is told that the pool is exhausted")
  func exhausted() async throws {
    try await withPool {
      $0.poolSize = 1
      $0.overflow = 1
    } _: { pool in
      try await pool.withConnection { _ in
        try await pool.withConnection { _ in
          let started = ContinuousClock.now
          let error = await postgresError { try await pool.withConnection(acquireTimeout: .milliseconds(200)) { _ in } }
          #expect(error?.code == .poolExhausted)
          let waited = ContinuousClock.now - started
          #expect(waited >= .milliseconds(200) && waited < .seconds(3))
        }
      }
      try await pool.query("SELECT 1")
    }
  }

  @Test("Waiting for a connection ends when the task is cancelled")
  func cancelledWait() async throws {
    try await withPool {
      $0.poolSize = 1
      $0.overflow = 0
    } _: { pool in
      try await pool.withConnection { _ in
        let task = Task { try await pool.query("SELECT 1") }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        #expect(await postgresError { _ = try await task.value }?.code == .cancelled)
      }
      try await pool.query("SELECT 1")
    }
  }

  @Test("Many tasks share few connections, none is served twice or forgotten")
  func contention() async throws {
    try await withPool {
      $0.poolSize = 2
      $0.overflow = 1
    } _: { pool in
      try await withThrowingTaskGroup(of: Int.self) { group in
        for index in 0..<300 {
          group.addTask { try await pool.query("SELECT \(index) AS n").first?.decode("n") ?? -1 }
        }
        var seen: Set<Int> = []
        for try await index in group { seen.insert(index) }
        #expect(seen.count == 300)
      }
      let sessions = try await pool.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'")
      #expect(sessions.count <= 3)
    }
  }

  @Test("A connection that the server ended while it was idle is replaced unseen")
  func terminatedIdle() async throws {
    try await withPool {
      $0.poolSize = 2
    } _: { pool in
      for _ in 0..<3 {
        let pid = try await pool.withConnection { try await $0.processID() }
        try await withPool(url: pool.url) { other in
          try await other.query("SELECT pg_terminate_backend(\(Int32(pid)))")
          #expect(
            try await holds { try await other.query("SELECT FROM pg_stat_activity WHERE pid = \(pid)").count == 0 })
        }
        try await pool.query("SELECT 1")
        try await pool.withTransaction { try await $0.query("SELECT 1") }
      }
    }
  }

  @Test("A connection that was idle for long and no longer answers is replaced after its sign of life fails")
  func staleCheck() async throws {
    try await withPool {
      $0.poolSize = 1
      $0.idleCheck = .milliseconds(1)
      $0.connectTimeout = .milliseconds(500)
    } _: { pool in
      let pid = Int32(try await pool.withConnection { try await $0.processID() })
      kill(pid, SIGSTOP)
      defer { kill(pid, SIGCONT) }
      try await Task.sleep(for: .milliseconds(10))
      let next = try await pool.withConnection { try await $0.processID() }
      #expect(next != Int(pid))
    }
  }

  @Test("An old connection is replaced")
  func recycles() async throws {
    try await withPool {
      $0.poolSize = 1
      $0.recycleAge = .milliseconds(1)
    } _: { pool in
      let first = try await pool.withConnection { try await $0.processID() }
      try await Task.sleep(for: .milliseconds(10))
      #expect(try await pool.withConnection { try await $0.processID() } != first)
    }
  }

  @Test("A host that takes connections and never speaks costs the time limit, then the next host is used")
  func silentHost() async throws {
    let silent = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(silent) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        #expect(bind(silent, pointer, length) == 0 && listen(silent, 8) == 0)
        #expect(getsockname(silent, pointer, &length) == 0)
      }
    }
    let port = UInt16(bigEndian: address.sin_port)
    let silentHost = "127.0.0.1:\(port)"
    let url = try await withPool { $0.url }
    let configure: (inout PostgresConfiguration) -> Void = { $0.connectTimeout = .milliseconds(300) }
    let alone = url.replacing(/@[^\/]*/, with: "@\(silentHost)")
    try await withPool(configure, url: alone) { pool in
      let started = ContinuousClock.now
      #expect(await postgresError { try await pool.query("SELECT 1") }?.code == .connection)
      #expect(ContinuousClock.now - started < .seconds(3))
      #expect(!pool.isReady)
    }
    try await withPool(configure, url: url.replacing("@", with: "@\(silentHost),")) { pool in
      try await pool.query("SELECT 1")
      #expect(pool.isReady)
    }
  }

  @Test("A statement that a deadlock ended is run again, so that nobody notices")
  func deadlock() async throws {
    try await withPool {
      $0.poolSize = 2
    } _: { pool in
      try await pool.query("CREATE TABLE deadlock_a (n int)")
      try await pool.query("CREATE TABLE deadlock_b (n int)")
      // The one statement takes a and waits for b, the transaction has b and waits for a.
      let (holds, hold) = AsyncStream.makeStream(of: Void.self)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          try await pool.withTransaction { connection in
            // Its own deadlock check comes late, so that the statement is the one to be ended.
            try await connection.execute(script: "SET LOCAL deadlock_timeout = '30s'; LOCK TABLE deadlock_b")
            hold.yield()
            try await Self.waits(for: "deadlock_b", connection)
            try await connection.query("LOCK TABLE deadlock_a")
          }
        }
        for await _ in holds { break }
        try await pool.query("WITH a AS (DELETE FROM deadlock_a) DELETE FROM deadlock_b")
        try await group.waitForAll()
      }
      try await pool.query("DROP TABLE deadlock_a, deadlock_b")
    }
  }

  private static func waits(for table: String, _ connection: PostgresConnection) async throws {
    try await eventually(within: .seconds(10), "somebody waits for \(table)") {
      try await connection.query(
        "SELECT FROM pg_locks WHERE NOT granted AND relation = \(table)::text::regclass"
      ).count > 0
    }
  }

  @Test("A closed pool refuses, and ends whoever waits")
  func closed() async throws {
    try await withPool {
      $0.poolSize = 1
      $0.overflow = 0
    } _: { pool in
      try await pool.withConnection { _ in
        let task = Task { try await pool.query("SELECT 1") }
        try await Task.sleep(for: .milliseconds(20))
        await pool.close()
        #expect(await postgresError { _ = try await task.value }?.code == .connection)
      }
      #expect(await postgresError { try await pool.query("SELECT 1") }?.code == .connection)
    }
  }

  @Test("A wrong password is an error that does not show it")
  func wrongPassword() async throws {
    let url = try await withPool { $0.url }.replacing(/:[^:@\/]+@/, with: ":Geheimnis@")
    try await withPool(url: url) { pool in
      let error = await postgresError { try await pool.query("SELECT 1") }
      #expect(error?.code == .connection)
      #expect(String(reflecting: error).contains("Geheimnis") == false)
    }
  }
}
