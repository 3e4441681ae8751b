import Logging
import NIOConcurrencyHelpers
import Postgres
import ServiceLifecycle

/// Leads while it holds the lease, stands by otherwise, for ever.
public final class LeaderElection: Service, Sendable {
  /// What this replica does now.
  public enum Role: String, Sendable {
    case standby, leader
  }

  private let lease: LeaderLease
  private let renewal: Duration
  private let logger: Logger
  private let standBy: @Sendable () async -> Void
  private let lead: @Sendable (Int64) async throws -> Void
  private let roleBox = NIOLockedValueBox(Role.standby)

  /// - Parameters:
  ///   - renewal: How often a leader renews; a quarter of the lease.
  ///   - standBy: Called whenever somebody else is found to lead.
  ///   - lead: A term, with its epoch. It is cancelled when the lease is lost and at shutdown; when it throws, it is
  ///     begun anew with a new epoch.
  public init(
    lease: LeaderLease, renewal: Duration = .seconds(1), logger: Logger,
    standBy: @escaping @Sendable () async -> Void = {}, lead: @escaping @Sendable (Int64) async throws -> Void
  ) {
    self.lease = lease
    self.renewal = renewal
    self.logger = logger
    self.standBy = standBy
    self.lead = lead
  }

  /// What this replica does now.
  public var role: Role { roleBox.withLockedValue { $0 } }

  public func run() async throws {
    // Cancelled by the shutdown: that is its normal end.
    try? await cancelWhenGracefulShutdown { try await self.takeTurns() }
  }

  private func takeTurns() async throws {
    var isFirst = true
    var backoff = Backoff(minimum: .milliseconds(100), maximum: .seconds(1))
    while !Task.isCancelled {
      do {
        if let epoch = try await lease.take(isRestart: isFirst) {
          isFirst = false
          try await serve(epoch)
          backoff.reset()
        } else {
          await standBy()
        }
        try await Task.sleep(for: .milliseconds(500))
      } catch is CancellationError {
        return
      } catch {
        logger.warning("term ended, starting anew", metadata: ["error": "\(error)"])
        try await Task.sleep(for: backoff.next())
      }
    }
  }

  /// One term: the work and the renewals, until either ends.
  private func serve(_ epoch: Int64) async throws {
    logger.notice("leading", metadata: ["epoch": "\(epoch)"])
    roleBox.withLockedValue { $0 = .leader }
    defer { roleBox.withLockedValue { $0 = .standby } }
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await self.lead(epoch) }
        group.addTask { try await self.keepRenewing(epoch) }
        defer { group.cancelAll() }
        try await group.next()
      }
    } catch is CancellationError {
      // A shutdown: others need not wait for the lease to run out. If this fails they wait, that is all.
      try? await Task { try await lease.release(epoch: epoch) }.value
      throw CancellationError()
    }
  }

  private func keepRenewing(_ epoch: Int64) async throws {
    while true {
      try await Task.sleep(for: renewal)
      do {
        guard try await lease.renew(epoch: epoch) else {
          logger.warning("deposed", metadata: ["epoch": "\(epoch)"])
          return
        }
      } catch let error as PostgresError {
        // The term's own transactions check the epoch; without a database nothing can be changed wrongly.
        logger.warning("lease not renewed", metadata: ["error": "\(error)"])
      }
    }
  }
}
