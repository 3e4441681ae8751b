import Foundation
import Postgres

/// One lease row with an epoch: who leads, and until when unless they renew.
///
/// The table `SCHEMA.leadership(holder, incarnation, epoch, until_at)` has one row. Time is PostgreSQL's. The lease only
/// decides who tries to lead; what makes a deposed leader harmless is that each of its transactions checks the epoch.
public struct LeaderLease: Sendable {
  private let pool: PostgresPool
  private let schema: String
  private let holder: String
  private let incarnation = UUID()
  private let duration: Duration

  /// - Parameters:
  ///   - holder: This instance's name, the same after a restart.
  ///   - duration: How long a leader that died silently is waited for.
  public init(pool: PostgresPool, schema: String, holder: String, duration: Duration = .seconds(4)) {
    self.pool = pool
    self.schema = schema
    self.holder = holder
    self.duration = duration
  }

  /// Takes the lease if it is free, run out, or this process's own; also one that only a clock stepped back leaves so long.
  /// - Parameter isRestart: Also takes it from an earlier life of the same name, at once. Only for a process's first
  ///   try: a thawed process must not depose its own replacement.
  /// - Returns: The new epoch, or `nil` when somebody else leads.
  public func take(isRestart: Bool) async throws -> Int64? {
    try await pool.query(
      """
      UPDATE \(unsafeRaw: schema).leadership
      SET holder = \(holder), incarnation = \(incarnation), epoch = epoch + 1,
          until_at = sluice.clock() + \(seconds) * interval '1 second'
      WHERE until_at < sluice.clock() OR until_at > sluice.clock() + 2 * \(seconds) * interval '1 second'
        OR (holder = \(holder) AND (\(isRestart) OR incarnation = \(incarnation)))
      RETURNING epoch
      """
    ).first?.decode("epoch")
  }

  /// Prolongs the lease.
  /// - Returns: False when somebody else leads now.
  public func renew(epoch: Int64) async throws -> Bool {
    try await pool.query(
      """
      UPDATE \(unsafeRaw: schema).leadership SET until_at = sluice.clock() + \(seconds) * interval '1 second'
      WHERE epoch = \(epoch)
      """
    ).affected == 1
  }

  /// Lets go of the lease, so that a stand-by need not wait.
  public func release(epoch: Int64) async throws {
    try await pool.query(
      "UPDATE \(unsafeRaw: schema).leadership SET until_at = '-infinity' WHERE epoch = \(epoch)")
  }

  private var seconds: Double { duration / .seconds(1) }
}
