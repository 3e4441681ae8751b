import Foundation
@testable import Postgres
import TestSupport
import Testing

@Suite struct CancellationTests {
  @Test("Cancelling a task ends its statement in the server, and the connection is used again")
  func cancelsSleep() async throws {
    try await withPool {
      $0.poolSize = 1
    } _: { pool in
      let pid = try await pool.withConnection { try await $0.processID() }
      let started = ContinuousClock.now
      let task = Task { try await pool.query("SELECT pg_sleep(9)") }
      try await withPool(url: pool.url) { observer in
        let isRunning: PostgresQuery = "SELECT FROM pg_stat_activity WHERE pid = \(pid) AND state = 'active'"
        let hasStarted = try await holds { try await observer.query(isRunning).count == 1 }
        #expect(hasStarted)
        task.cancel()
        let error = await postgresError { _ = try await task.value }
        #expect(error?.code == .cancelled)
        let hasEnded = try await holds { try await observer.query(isRunning).count == 0 }
        #expect(hasEnded)
      }
      #expect(ContinuousClock.now - started < .seconds(5))
      #expect(try await pool.withConnection { try await $0.processID() } == pid)
    }
  }

  @Test("A task that is cancelled already sends nothing")
  func cancelledBefore() async throws {
    try await withPool { pool in
      try await pool.query("CREATE TABLE t (id int)")
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        try await pool.query("INSERT INTO t VALUES (1)")
      }
      #expect(await postgresError { _ = try await task.value }?.code == .cancelled)
      #expect(try await pool.query("SELECT * FROM t").count == 0)
    }
  }

  @Test("A cancelled transaction is rolled back and its connection comes back clean")
  func cancelledTransaction() async throws {
    try await withPool {
      $0.poolSize = 1; $0.overflow = 0
    } _: { pool in
      try await pool.query("CREATE TABLE t (id int)")
      let (started, signal) = AsyncStream.makeStream(of: Void.self)
      let task = Task {
        try await pool.withTransaction { connection in
          try await connection.query("INSERT INTO t VALUES (1)")
          signal.yield()
          try await connection.query("SELECT pg_sleep(9)")
        }
      }
      for await _ in started { break }
      task.cancel()
      #expect(await postgresError { try await task.value }?.code == .cancelled)
      #expect(try await pool.query("SELECT * FROM t").count == 0)
    }
  }

  @Test("A cancellation never hits the next statement of the session")
  func neverTheNext() async throws {
    try await withPool {
      $0.poolSize = 1; $0.overflow = 0
    } _: { pool in
      for round in 0..<100 {
        let task = Task { try await pool.query("SELECT pg_sleep(0.004)") }
        try await Task.sleep(for: .microseconds(round * 80))
        task.cancel()
        let error = await postgresError { _ = try await task.value }
        #expect(error == nil || error?.code == .cancelled)
        try await pool.query("SELECT pg_sleep(0.001)")
      }
    }
  }

  @Test("A server process that no longer answers is given up in bounded time")
  func frozenBackend() async throws {
    try await withPool {
      $0.poolSize = 1
      $0.statementTimeout = .milliseconds(300)
    } _: { pool in
      try await pool.withConnection { connection in
        let pid = Int32(try await connection.processID())
        try await connection.query("SELECT 1")
        kill(pid, SIGSTOP)
        defer { kill(pid, SIGCONT) }
        let started = ContinuousClock.now
        let error = await postgresError { try await connection.query("SELECT 1") }
        #expect(error?.code == .commitUnknown)
        #expect(ContinuousClock.now - started < .seconds(8))
      }
      try await pool.query("SELECT 1")
    }
  }
}

extension PostgresPool {
  var url: String { configuration.url }
}
