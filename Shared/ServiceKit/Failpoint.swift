#if FAILPOINTS
  import Foundation
  import Glibc
#endif

/// Places at which a test can kill the process as `kill -9` does. Debug builds have them; in release builds they are
/// nothing.
///
/// A failpoint is armed by a file of its name in the folder `SLUICE_FAILPOINTS`. Whoever reaches it first removes the file
/// and dies.
public enum Failpoint: String, Sendable, CaseIterable {
  /// The gateway, before the broker has confirmed `message.accepted`.
  case gatewayPublishing = "gateway.publishing"
  /// The gateway, confirmed but not answered.
  case gatewayConfirmed = "gateway.confirmed"
  /// The scheduler, a batch of messages stored in a transaction that is not committed.
  case intakeUncommitted = "scheduler.intake.uncommitted"
  /// … committed but not acknowledged.
  case intakeCommitted = "scheduler.intake.committed"
  /// The scheduler, a dispatch committed whose commands are not published.
  case dispatchCommitted = "scheduler.dispatch.committed"
  /// … published, and nothing known about it in memory.
  case commandPublished = "scheduler.command.published"
  /// The scheduler, outcomes applied but not acknowledged.
  case outcomesCommitted = "scheduler.outcomes.committed"
  /// The scheduler, a command applied but not acknowledged.
  case commandCommitted = "scheduler.command.committed"
  /// The scheduler's outbox, confirmed by the broker but not deleted.
  case outboxPublished = "scheduler.outbox.published"
  /// The sender, before it asks the gate.
  case claiming = "sender.claiming"
  /// The sender, let through but nothing written to the provider yet.
  case claimed = "sender.claimed"
  /// The sender, answered but the ending not written.
  case answered = "sender.answered"
  /// The sender, the ending written but neither reported nor acknowledged.
  case endingWritten = "sender.ending.written"
  /// The sender, reported but not noted so.
  case outcomeReported = "sender.outcome.reported"
  /// The projector, rows written in a transaction that is not committed.
  case projectionUncommitted = "projector.uncommitted"
  /// … committed.
  case projectionCommitted = "projector.committed"
  /// The dead-letter service, a letter stored but not acknowledged.
  case letterCommitted = "dead-letter.committed"
  /// … a request stored, and nothing of what it asks for published.
  case letterRequestCommitted = "dead-letter.request.committed"
  /// … an order confirmed by the broker but not noted so.
  case letterOrderPublished = "dead-letter.order.published"

  /// Ends the process here if this failpoint is armed.
  @inlinable
  public static func reach(_ failpoint: Failpoint) {
    #if FAILPOINTS
      failpoint.dieIfArmed()
    #endif
  }

  #if FAILPOINTS
    private static let folder = ProcessInfo.processInfo.environment["SLUICE_FAILPOINTS"]

    @usableFromInline
    func dieIfArmed() {
      guard let folder = Self.folder, unlink("\(folder)/\(rawValue)") == 0 else { return }
      kill(getpid(), SIGKILL)
    }
  #endif
}
