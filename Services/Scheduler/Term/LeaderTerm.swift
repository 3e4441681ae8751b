import Contracts
import Foundation
import NIOConcurrencyHelpers
import Postgres

/// One term of leadership: every transaction of the scheduler checks its epoch, so a deposed leader changes nothing.
final class LeaderTerm: Sendable {
  let pool: PostgresPool
  let epoch: Int64
  private let clock = NIOLockedValueBox<(database: Timestamp, local: ContinuousClock.Instant)?>(nil)

  init(pool: PostgresPool, epoch: Int64) {
    self.pool = pool
    self.epoch = epoch
  }

  /// Runs one transaction under this epoch.
  /// - Parameter body: Gets the time by PostgreSQL's clock, by which deadlines are set.
  /// - Throws: `StoreError.deposed` when another leader has taken over.
  func transaction<Result: Sendable>(
    _ body: (PostgresConnection, Timestamp) async throws -> Result
  ) async throws -> Result {
    try await pool.withTransaction { connection in
      let row = try await connection.query(
        "SELECT sluice.clock() AS now_at FROM scheduler.leadership WHERE epoch = \(epoch) FOR SHARE"
      ).first
      guard let row else { throw StoreError.deposed }
      let now = Timestamp(try row.decode("now_at", as: Date.self))
      // Every time in memory is by PostgreSQL's clock: after a step the leader begins anew.
      if let expected = databaseTime(), abs(expected.microseconds - now.microseconds) > 2_000_000 {
        throw StoreError.clockStepped
      }
      clock.withLockedValue { $0 = (now, ContinuousClock.now) }
      return try await body(connection, now)
    }
  }

  /// Checks the epoch and reads the clock anew, if neither has happened for so long.
  func confirm(after age: Duration = .zero) async throws {
    if let last = clock.withLockedValue({ $0?.local }), last.duration(to: .now) < age { return }
    try await transaction { _, _ in }
  }

  /// PostgreSQL's time at a local instant, as of the last transaction.
  func databaseTime(at instant: ContinuousClock.Instant = .now) -> Timestamp? {
    clock.withLockedValue { $0 }.map { $0.database + $0.local.duration(to: instant) }
  }

  /// The local instant of a database time, as of the last transaction.
  func instant(of time: Timestamp) -> ContinuousClock.Instant? {
    clock.withLockedValue { $0 }.map { $0.local + (time - $0.database) }
  }
}

/// Why a transaction of the scheduler did not happen.
enum StoreError: Error {
  /// Another leader has taken over: this one must forget everything.
  case deposed
  /// What is in memory is not what is in the store; the leader reloads.
  case outOfStep
  /// PostgreSQL's clock and this machine's have parted by more than 2 s since the last transaction.
  case clockStepped
  case unexpectedValue(column: String)
}
