import Contracts
import Metering

extension MessageRow {
  /// Where its pending SMS stand; unknown when it has none.
  func placement(in outlook: QueueOutlook, now: Timestamp) -> Placement {
    guard counts.pending > 0 else { return .unknown }
    let standing = outlook.standing(of: self)
    return Placement(in: outlook, flow: flow, ahead: standing.ahead, last: standing.last, now: now)
  }

  /// Where they stand and when they go out, as things stand: not before their time, and unknown while the message is
  /// paused.
  func estimated(_ placement: Placement, in outlook: QueueOutlook, now: Timestamp) -> Placement {
    guard !isPaused else { return .unknown }
    let placement = placement.notBefore(sendAt, now: now)
    // When they are due they go to the front of their flow.
    guard let retries,
      let front = Placement(in: outlook, flow: flow, ahead: 0, last: 0, now: now).start,
      counts.pending == 0 || placement.complete != nil
    else { return placement }
    return placement.including(
      first: front.later(by: max(.zero, retries.first - now)), last: front.later(by: max(.zero, retries.last - now)),
      asOf: outlook.snapshot.asOf)
  }
}
