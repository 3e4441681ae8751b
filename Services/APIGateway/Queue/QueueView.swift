import Contracts
import Metering
import NIOConcurrencyHelpers

/// The queue as this replica knows it: the newest heads, and what it has accepted itself since.
final class QueueView: Sendable {
  private let state = NIOLockedValueBox(QueueSnapshot())

  var snapshot: QueueSnapshot { state.withLockedValue { $0 } }

  func apply(_ change: QueueChanged) { state.withLockedValue { $0.apply(change) } }

  func forget(_ messages: [CutMessage]) { state.withLockedValue { $0.forget(messages) } }

  func apply(_ queued: MessagesQueued) { state.withLockedValue { $0.apply(queued) } }

  /// Counts a message that was just accepted, unless it goes later: nobody waits behind it then.
  /// - Returns: Its place behind everything counted before it.
  func accept(_ message: MessageAccepted, now: Timestamp) -> Placement {
    let flow = FlowKey(messageClass: message.messageClass, userID: message.userID, provider: message.provider)
    let count = message.recipients.count
    // Computed before the lock is left: a copy that lives on would make the next change copy all flows.
    return state.withLockedValue { snapshot in
      let before = snapshot.backlog(of: flow)
      let ahead =
        message.sendAt == nil
        ? snapshot.noteAccepted(message.messageID, flow: flow, count: count, weight: message.weight, at: now) : before
      return Placement(in: snapshot, flow: flow, ahead: ahead, last: ahead + count - 1, now: now)
        .notBefore(message.sendAt, now: now)
    }
  }
}
