import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle

/// A bounded set of connections to one database, lent for a piece of work at a time.
///
/// Connections are opened when needed and replaced when they are old or lost, so a restart of the server needs nothing
/// from the callers but to try again. Usable without `run()`, which adds the closing at shutdown and a sign of life every
/// few seconds; without it call `close()` at the end.
public final class PostgresPool: Service, Sendable {
  typealias State = PoolState<PostgresConnection, Waiter>

  /// A connection on loan.
  struct Lease: Sendable {
    var member: State.Member
    var isStale: Bool
    var connection: PostgresConnection { member.connection }
  }

  let configuration: PostgresConfiguration
  let logger: Logger
  let state: NIOLockedValueBox<State>
  let reachability = Reachability()
  private let ids = NIOLockedValueBox<UInt64>(0)

  /// Makes a pool; connects to nothing yet.
  public init(configuration: PostgresConfiguration, logger: Logger) {
    self.configuration = configuration
    self.logger = logger
    state = NIOLockedValueBox(
      State(size: configuration.poolSize, overflow: configuration.overflow, idleCheck: configuration.idleCheck))
  }

  /// Whether the last use of the database succeeded; false before the first one.
  public var isReady: Bool { reachability.isReachable }

  /// Lends a connection for the duration of `body`; what `body` left open is rolled back.
  ///
  /// Each statement is a transaction of its own. Don't lend twice in one task: all may wait for each other until the
  /// limit.
  /// - Parameter acquireTimeout: The limit for waiting and connecting together; then `.poolExhausted`.
  /// - Throws: What `body` throws, or `PostgresError`.
  @discardableResult
  public nonisolated(nonsending) func withConnection<Result: Sendable>(
    acquireTimeout: Duration = .seconds(5),
    _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    let deadline = ContinuousClock.now + acquireTimeout
    while true {
      let lease = try await lease(until: deadline)
      // Lent connections may have been closed by the server while they were idle.
      if await lease.connection.hasHungUp() {
        await giveBack(lease)
        continue
      }
      return try await use(lease, body)
    }
  }

  /// Runs `body` within BEGIN and COMMIT, or ROLLBACK when it throws.
  ///
  /// Nothing is repeated. An error whose `isRetryable` is true allows to run the whole again; after `.commitUnknown` look
  /// first whether it took effect.
  /// - Throws: What `body` throws, or `PostgresError`.
  @discardableResult
  public nonisolated(nonsending) func withTransaction<Result: Sendable>(
    _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    let deadline = ContinuousClock.now + .seconds(5)
    while true {
      let lease = try await lease(until: deadline)
      do {
        try await lease.connection.begin()
      } catch {
        await giveBack(lease, after: error)
        guard error.isHangUp, ContinuousClock.now < deadline else { throw error }
        continue
      }
      return try await use(lease) { connection in
        let result = try await body(connection)
        try await connection.commit()
        return result
      }
    }
  }

  /// Runs one statement, a transaction of its own, in one round trip. One that is ended by a deadlock has done nothing and
  /// is run again, up to three times.
  /// - Throws: `PostgresError`; `.commitUnknown` when the answer was lost.
  @discardableResult
  public func query(_ query: PostgresQuery) async throws -> PostgresRows {
    let deadline = ContinuousClock.now + .seconds(5)
    var deadlocks = 0
    while true {
      let lease = try await lease(until: deadline)
      do {
        return try await use(lease) { try await $0.query(query) }
      } catch let error as PostgresError where error.isDeadlock && deadlocks < 3 {
        deadlocks += 1
        try await Task.sleep(for: .milliseconds(Int.random(in: 1...50) * deadlocks))
      } catch {
        guard error.isHangUp, ContinuousClock.now < deadline else { throw error }
      }
    }
  }

  /// Closes idle connections now and lent ones when they come back; whoever waits or asks gets `.connection`.
  public func close() async {
    let (idle, waiters) = state.withLockedValue { $0.close() }
    for waiter in waiters { waiter.resume(throwing: PostgresError.poolClosed) }
    for member in idle { await member.connection.close() }
  }

  private nonisolated(nonsending) func use<Result: Sendable>(
    _ lease: Lease, _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    do {
      let result = try await body(lease.connection)
      await giveBack(lease)
      return result
    } catch {
      await giveBack(lease, after: error)
      throw error
    }
  }

  private nonisolated(nonsending) func giveBack(_ lease: Lease, after error: (any Error)? = nil) async {
    if lease.connection.condition == .inTransaction { await lease.connection.rollBack() }
    note(error, isOpen: lease.connection.condition == .idle)
    returned(lease)
  }

  func nextID() -> UInt64 {
    ids.withLockedValue {
      $0 += 1
      return $0
    }
  }
}

extension PostgresError {
  static let poolClosed = PostgresError(.connection, "the pool is closed")
}

extension Error {
  /// The connection was found closed before anything was sent, so another one may be taken.
  fileprivate var isHangUp: Bool { (self as? PostgresError)?.foundClosed == true }
}
