import Contracts
import Metering

/// One look at the queue for all messages of an answer: what they ask of one flow is computed together.
struct QueueOutlook: Sendable {
  let snapshot: QueueSnapshot
  private var places: [FlowKey: [Int: QueueSnapshot.Place]] = [:]
  private var standings: [MessageID: MessageStanding] = [:]

  /// Nothing is computed before it is asked for.
  init(_ snapshot: QueueSnapshot) { self.snapshot = snapshot }

  /// Computes what these messages need. What is final needs nothing.
  init(_ snapshot: QueueSnapshot, for rows: [MessageRow]) {
    self.init(snapshot)
    var wanted: [FlowKey: Set<Int>] = [:]
    for row in rows {
      if row.counts.pending > 0 {
        let standing = MessageStanding(row, in: snapshot)
        standings[row.messageID] = standing
        wanted[row.flow, default: []].formUnion([standing.ahead, standing.last])
      }
      // What is tried again goes to the front.
      if row.retries != nil { wanted[row.flow, default: []].insert(0) }
    }
    for (flow, ahead) in wanted { compute(Array(ahead), in: flow) }
  }

  /// Computes where several SMS of a flow stand.
  mutating func compute(_ ahead: [Int], in flow: FlowKey) { places[flow] = snapshot.places(in: flow, ahead: ahead) }

  /// Where the SMS stands that has so many of its flow ahead; `nil` while no heads are known.
  func place(in flow: FlowKey, ahead: Int) -> QueueSnapshot.Place? {
    places[flow]?[ahead] ?? snapshot.places(in: flow, ahead: [ahead])[ahead]
  }

  /// Where a message's pending SMS stand in their flow.
  func standing(of row: MessageRow) -> MessageStanding {
    standings[row.messageID] ?? MessageStanding(row, in: snapshot)
  }
}
