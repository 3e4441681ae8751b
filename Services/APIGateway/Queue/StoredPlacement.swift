import Contracts
import Metering

extension MessageRow {
  /// SMS of its own flow ahead of its next pending one.
  func ahead(in snapshot: QueueSnapshot) -> Int {
    // What came back lies at the front of its flow.
    guard counts.pending <= recipientCount - dispatched else { return 0 }
    return ahead(ofIndex: dispatched, in: snapshot)
  }

  /// SMS of its own flow ahead of its last pending one.
  func aheadOfLast(in snapshot: QueueSnapshot) -> Int {
    guard dispatched < recipientCount else { return max(0, counts.pending - 1) }
    return max(ahead(in: snapshot), ahead(ofIndex: recipientCount - 1, in: snapshot))
  }

  private func ahead(ofIndex index: Int, in snapshot: QueueSnapshot) -> Int {
    if let firstNumber, let ahead = snapshot.ahead(of: firstNumber + Int64(index), in: flow) { return ahead }
    // Not numbered, or not in the heads yet: it is at the end of what its flow is known to hold.
    return max(0, snapshot.backlog(of: flow) - (recipientCount - index))
  }

  /// Where its pending SMS stand; unknown when it has none.
  func placement(in snapshot: QueueSnapshot, now: Timestamp) -> Placement {
    guard counts.pending > 0 else { return .unknown }
    return Placement(
      in: snapshot, flow: flow, ahead: ahead(in: snapshot), last: aheadOfLast(in: snapshot), now: now)
  }

  /// Where they stand and when they go out, as things stand: not before their time, and unknown while the message is
  /// paused.
  func estimated(_ placement: Placement, in snapshot: QueueSnapshot, now: Timestamp) -> Placement {
    guard !isPaused else { return .unknown }
    let placement = placement.notBefore(sendAt, now: now)
    // When they are due they go to the front of their flow.
    guard let retries,
      let front = Placement(in: snapshot, flow: flow, ahead: 0, last: 0, now: now).start,
      counts.pending == 0 || placement.complete != nil
    else { return placement }
    return placement.including(
      first: front.later(by: max(.zero, retries.first - now)), last: front.later(by: max(.zero, retries.last - now)),
      asOf: snapshot.asOf)
  }
}
