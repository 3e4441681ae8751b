import Contracts
import Metering

/// The one thing that holds a pending message now.
enum WaitingReason: String, Sendable {
  case meter
  case fairShare = "fair_share"
  case schedule
  case retryBackoff = "retry_backoff"
  case providerUnhealthy = "provider_unhealthy"
  case providerPaused = "provider_paused"
  case providerRemoved = "provider_removed"
  case sendingStopped = "sending_stopped"
  case messagePaused = "message_paused"
  case userPaused = "user_paused"
  case noSender = "no_sender"

  /// - Returns: `nil` when nothing waits, or when nothing is known of the queue.
  init?(_ message: MessageRow, placement: Placement, in outlook: QueueOutlook, now: Timestamp) {
    let snapshot = outlook.snapshot
    let waiting = message.counts.pending + message.counts.retrying
    guard waiting > 0 else { return nil }
    if message.isUserPaused {
      self = .userPaused
    } else if message.isPaused {
      self = .messagePaused
    } else if let sendAt = message.sendAt, sendAt > now {
      self = .schedule
    } else if message.counts.pending == 0 {
      self = .retryBackoff
    } else if snapshot.isKnown {
      self = Self.queue(
        message, placement: placement, ahead: outlook.standing(of: message).ahead, snapshot: snapshot)
    } else {
      return nil
    }
  }

  private static func queue(
    _ message: MessageRow, placement: Placement, ahead: Int, snapshot: QueueSnapshot
  ) -> WaitingReason {
    let paces = snapshot.providerPaces
    let usable = paces.filter { message.flow.mayUse($0.provider) }
    if !snapshot.isSending { return .sendingStopped }
    if usable.isEmpty, !paces.isEmpty { return .providerRemoved }
    let working = usable.filter { $0.state == "healthy" || $0.state == "probing" }
    if !usable.isEmpty, working.isEmpty {
      return usable.allSatisfy { $0.state == "paused" } ? .providerPaused : .providerUnhealthy
    }
    if !working.isEmpty, working.allSatisfy({ $0.effectiveRate <= 0 }) {
      return working.allSatisfy { $0.state == "healthy" } ? .noSender : .providerUnhealthy
    }
    // Others' SMS are in between only where the shares put them there.
    return (placement.position ?? 0) > ahead ? .fairShare : .meter
  }
}
