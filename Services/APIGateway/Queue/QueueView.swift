import Contracts
import Metering
import NIOConcurrencyHelpers

/// The queue as this replica knows it: the newest heads, and what it has accepted itself since.
final class QueueView: Sendable {
  private let state = NIOLockedValueBox(QueueSnapshot())

  var snapshot: QueueSnapshot { state.withLockedValue { $0 } }

  func apply(_ change: QueueChanged) { state.withLockedValue { $0.apply(change) } }

  /// Counts a message that was just accepted, unless it goes later: nobody waits behind it then.
  /// - Returns: Its place behind everything counted before it.
  func accept(_ message: MessageAccepted, now: Timestamp) -> Placement {
    let flow = FlowKey(messageClass: message.messageClass, userID: message.userID, provider: message.provider)
    let count = message.recipients.count
    let (before, ahead) = state.withLockedValue { snapshot in
      let before = snapshot
      if message.sendAt == nil { snapshot.noteAccepted(flow: flow, count: count, weight: message.weight) }
      return (before, before.isKnown ? before.backlog(of: flow) : 0)
    }
    return Placement(in: before, flow: flow, ahead: ahead, count: count).notBefore(message.sendAt, now: now)
  }
}
