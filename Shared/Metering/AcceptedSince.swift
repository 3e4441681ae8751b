import Contracts

/// What a gateway accepted and the heads do not count yet. Pure.
///
/// A message is counted here until heads of its flow say that its numbers have been queued, which `message.queued` gave
/// it. Heads may be told at any moment between the two, so time alone could not tell.
struct AcceptedSince: Sendable {
  fileprivate struct Message: Sendable {
    var id: MessageID
    var count: Int
    var acceptedAt: Timestamp
  }

  struct Flow: Sendable {
    fileprivate var messages: [Message] = []
    /// SMS of messages beyond those followed one by one.
    fileprivate var others = 0
    fileprivate(set) var count = 0
    fileprivate(set) var weight: Double
  }

  /// Messages that are followed one by one; with more, the scheduler is away or far behind.
  static let limit = 20_000
  /// A message that no heads count so long after it was accepted has been queued and sent, or is lost.
  static let patience = Duration.seconds(30)

  private(set) var flows: [FlowKey: Flow] = [:]
  /// The flow of each message that is followed, and past its last number, once known.
  private var places: [MessageID: (flow: FlowKey, endNumber: Int64?)] = [:]

  /// Past the last numbers of messages that were queued and are not known here: the stream may be quicker than the answer
  /// to the publisher. Two generations, of which the older one is forgotten when the younger one is full.
  private var early: [MessageID: Int64] = [:]
  private var earlier: [MessageID: Int64] = [:]
  static let earlyLimit = 4096

  /// Past the last number of a message that was queued lately.
  func endNumber(of id: MessageID) -> Int64? { places[id]?.endNumber ?? early[id] ?? earlier[id] }

  func count(of key: FlowKey) -> Int { flows[key]?.count ?? 0 }

  /// Counts a message, once: a repeat under the same id joins no queue.
  mutating func accept(_ id: MessageID, _ key: FlowKey, count: Int, weight: Double, at time: Timestamp) {
    guard places[id] == nil else { return }
    var flow = flows.removeValue(forKey: key) ?? Flow(weight: weight)
    flow.weight = weight
    flow.count += count
    if places.count < Self.limit {
      flow.messages.append(Message(id: id, count: count, acceptedAt: time))
      places[id] = (key, early[id] ?? earlier[id])
    } else {
      flow.others += count
    }
    flows[key] = flow
  }

  /// Learns the numbers of messages that were queued.
  /// - Returns: Their flows.
  mutating func note(_ queued: MessagesQueued) -> Set<FlowKey> {
    var flows: Set<FlowKey> = []
    for entry in queued.messages {
      let end = entry.firstNumber + Int64(entry.total)
      if let flow = places[entry.messageID]?.flow {
        places[entry.messageID] = (flow, end)
        flows.insert(flow)
      } else {
        if early.count >= Self.earlyLimit { (earlier, early) = (early, [:]) }
        early[entry.messageID] = end
      }
    }
    return flows
  }

  /// Forgets what heads of this flow count.
  /// - Parameter endNumber: Past the last number that they count; `nil` when they do not say: then they count all.
  mutating func settle(_ key: FlowKey, endNumber: Int64?, asOf: Timestamp) {
    guard var flow = flows.removeValue(forKey: key) else { return }
    flow.messages.removeAll { message in
      let isCounted =
        endNumber.map { end in places[message.id]?.endNumber.map { $0 <= end } ?? false } ?? true
        || asOf - message.acceptedAt > Self.patience
      if isCounted { places[message.id] = nil }
      return isCounted
    }
    flow.others = 0
    flow.count = flow.messages.reduce(0) { $0 + $1.count }
    if flow.count > 0 { flows[key] = flow }
  }

  /// Forgets messages that nobody waits for any more.
  /// - Returns: Their flows.
  mutating func forget(_ ids: [MessageID]) -> Set<FlowKey> {
    var keys: Set<FlowKey> = []
    for id in ids {
      guard let key = places.removeValue(forKey: id)?.flow,
        let place = flows[key]?.messages.firstIndex(where: { $0.id == id }),
        let message = flows[key]?.messages.remove(at: place)
      else { continue }
      flows[key]?.count -= message.count
      if flows[key]?.count == 0 { flows[key] = nil }
      keys.insert(key)
    }
    return keys
  }

  /// Forgets what was queued in a flow that complete heads do not name: it has gone.
  mutating func settleUnnamed(_ key: FlowKey, asOf: Timestamp) {
    settle(key, endNumber: .max, asOf: asOf)
  }
}
