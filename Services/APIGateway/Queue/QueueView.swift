import Contracts
import Metering
import NIOConcurrencyHelpers

/// The queue as this replica knows it: the newest heads, and what it has accepted itself since.
final class QueueView: Sendable {
  private let state = NIOLockedValueBox(QueueSnapshot())

  var snapshot: QueueSnapshot { state.withLockedValue { $0 } }

  func apply(_ change: QueueChanged) { state.withLockedValue { $0.apply(change) } }

  /// Learns whose traffic is held back as a whole, or goes on.
  func hold(_ targets: [CommandTarget], _ isHeld: Bool) {
    state.withLockedValue { state in
      for case .user(let user) in targets { state.hold(user, isHeld) }
    }
  }

  func forget(_ messages: [CutMessage]) { state.withLockedValue { $0.forget(messages) } }

  func apply(_ queued: MessagesQueued) { state.withLockedValue { $0.apply(queued) } }

  /// Counts a message that was just accepted, unless it goes later or is held back: nobody waits behind it then.
  /// - Returns: Its place behind everything counted before it.
  func accept(_ message: MessageAccepted, now: Timestamp) -> Placement {
    // Computed before the lock is left: a copy that lives on would make the next change copy all flows.
    state.withLockedValue { Self.place(message, in: &$0, now: now) }
  }

  /// The place that a message would get, counting nothing.
  func estimate(_ message: MessageAccepted, now: Timestamp) -> Placement {
    var trial = snapshot
    return Self.place(message, in: &trial, now: now)
  }

  /// Why a message could not go now, as things stand, if it were due.
  func standstill(of message: MessageAccepted, now: Timestamp) -> Standstill? {
    Standstill(message, in: snapshot, now: now)
  }

  private static func place(_ message: MessageAccepted, in snapshot: inout QueueSnapshot, now: Timestamp) -> Placement {
    if snapshot.pausedUsers.contains(message.userID) { return .unknown }
    let flow = FlowKey(
      messageClass: message.messageClass, userID: message.userID, provider: message.provider,
      allowed: message.providers)
    let count = message.recipients.count
    let before = snapshot.backlog(of: flow)
    let ahead =
      message.sendAt == nil
      ? snapshot.noteAccepted(message.messageID, flow: flow, count: count, weight: message.weight, at: now) : before
    return Placement(in: QueueOutlook(snapshot), flow: flow, ahead: ahead, last: ahead + count - 1, now: now)
      .notBefore(message.sendAt, now: now)
  }
}
