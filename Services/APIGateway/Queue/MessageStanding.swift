import Contracts
import Metering

/// Where the pending SMS of a stored message stand in their own flow.
struct MessageStanding: Sendable, Hashable {
  /// SMS of the flow ahead of the next pending one.
  var ahead: Int
  /// SMS of the flow ahead of the last pending one.
  var last: Int

  init(_ row: MessageRow, in snapshot: QueueSnapshot) {
    // What came back lies at the front of its flow.
    let isNextNew = row.counts.pending <= row.recipientCount - row.dispatched
    ahead = isNextNew ? Self.ahead(of: row.dispatched, row, snapshot) : 0
    last =
      row.dispatched < row.recipientCount
      ? max(ahead, Self.ahead(of: row.recipientCount - 1, row, snapshot)) : max(0, row.counts.pending - 1)
  }

  private static func ahead(of index: Int, _ row: MessageRow, _ snapshot: QueueSnapshot) -> Int {
    if let firstNumber = row.firstNumber, let ahead = snapshot.ahead(of: firstNumber + Int64(index), in: row.flow) {
      return ahead
    }
    // Not numbered, or not in the heads yet: it is at the end of what its flow is known to hold.
    return max(0, snapshot.backlog(of: row.flow) - (row.recipientCount - index))
  }
}
