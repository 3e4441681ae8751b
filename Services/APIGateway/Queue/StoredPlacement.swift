import Contracts
import Metering

extension MessageRow {
  /// SMS of its own flow ahead of its next pending one.
  func ahead(in snapshot: QueueSnapshot) -> Int {
    // What came back lies at the front of its flow.
    guard dispatched < recipientCount else { return 0 }
    guard let firstNumber, let ahead = snapshot.ahead(of: firstNumber + Int64(dispatched), in: flow) else {
      // Not numbered, or not in the heads yet: it is at the end of what its flow is known to hold.
      return max(0, snapshot.backlog(of: flow) - counts.pending)
    }
    return ahead
  }

  /// Where its pending SMS stand; unknown when it has none.
  func placement(in snapshot: QueueSnapshot) -> Placement {
    guard counts.pending > 0 else { return .unknown }
    return Placement(in: snapshot, flow: flow, ahead: ahead(in: snapshot), count: counts.pending)
  }

  /// Where they stand and when they go out, as things stand: not before their time, and unknown while the message is
  /// paused.
  func estimated(_ placement: Placement, now: Timestamp) -> Placement {
    isPaused ? .unknown : placement.notBefore(sendAt, now: now)
  }
}
