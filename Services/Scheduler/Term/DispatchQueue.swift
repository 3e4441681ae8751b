import Contracts
import Metering

/// The leader's queue in memory: fair queue, backlog and providers, and the choice of what goes next. Pure.
struct DispatchQueue: Sendable {
  private(set) var fair = FairQueue()
  private var backlog = Backlog()
  var board: ProviderBoard

  init(board: ProviderBoard) { self.board = board }

  var isEmpty: Bool { fair.backlog == 0 }

  // MARK: Filling

  /// Makes a flow known that has SMS in the store.
  mutating func restore(_ key: FlowKey, id: Int64, weight: Double, tag: Int64, headNumber: Int64, unloaded: Int) {
    fair.register(key, id: id, weight: weight, tag: tag, headNumber: headNumber)
    backlog.note(unloaded: unloaded, in: key, id: id)
    fair.add(unloaded, to: key)
  }

  /// Adds messages that have just been stored.
  mutating func add(_ flow: IntakeStore.Result.Flow) {
    guard let first = flow.spans.first else { return }
    fair.register(flow.key, id: flow.id, weight: flow.weight, headNumber: first.firstNumber)
    for span in flow.spans {
      backlog.append(span, to: flow.key, id: flow.id)
      fair.add(span.total - span.cursor, to: flow.key)
    }
  }

  /// Puts a unit that was not sent to the front of its flow, which gets its turn back.
  mutating func giveBack(_ unit: ReturnedUnit, flow: FlowKey) {
    guard let id = backlog.id(of: flow) ?? fair.id(of: flow) else { return }
    backlog.putBack(unit, in: flow, id: id)
    fair.giveBack(flow)
  }

  /// Puts a unit whose backoff is over to the front of its flow.
  mutating func readmit(_ unit: ReturnedUnit, flow: FlowKey) {
    guard let id = backlog.id(of: flow) ?? fair.id(of: flow) else { return }
    backlog.putBack(unit, in: flow, id: id)
    fair.add(1, to: flow)
  }

  /// Makes a flow known without SMS, so that units can come back to it.
  mutating func register(_ key: FlowKey, id: Int64, weight: Double, tag: Int64, headNumber: Int64) {
    fair.register(key, id: id, weight: weight, tag: tag, headNumber: headNumber)
  }

  mutating func fill(_ key: FlowKey, with spans: [MessageSpan]) -> Bool { backlog.fill(key, with: spans) }

  mutating func takeChangedHeads() -> [FlowHead] { fair.takeChangedHeads() }

  // MARK: Choosing

  /// What can go now.
  struct Plan: Sendable {
    var picks: [DispatchPick] = []
    /// The flow whose next page must be read before the choice can go on.
    var missing: (key: FlowKey, flowID: Int64, after: Int64)?
    /// Virtual start tags of the flows that were served.
    var tags: [FlowKey: (flowID: Int64, tag: Int64)] = [:]
  }

  /// Takes what can go now, at most `limit` SMS, in fair order.
  /// - Parameter now: Seconds on PostgreSQL's clock.
  mutating func plan(limit: Int, now: Double) -> Plan {
    var plan = Plan()
    var open = board.open(now: now)
    while plan.picks.count < limit, !open.isEmpty, board.hasGlobalRoom(now: now) {
      guard let key = fair.next(where: { $0.map { open.contains($0) } ?? true }) else { break }
      if let page = backlog.missingPage(of: key) {
        plan.missing = (key, page.flowID, page.after)
        break
      }
      guard let name = key.provider ?? board.choose(among: open), let segments = backlog.nextSegments(of: key) else {
        break
      }
      let cost = board.cost(of: segments, at: name)
      guard board.spend(cost, at: name, now: now) else {
        open.remove(name)
        continue
      }
      guard let source = backlog.take(from: key) else { break }
      let isFresh = if case .fresh = source { true } else { false }
      fair.serve(key, numbered: isFresh)
      plan.picks.append(DispatchPick(source: source, flow: key, provider: name, cost: cost))
      plan.tags[key] = fair.id(of: key).map { ($0, fair.tag(of: key)) }
      if let provider = board[name], !board.isOpen(provider, now: now) { open.remove(name) }
    }
    return plan
  }
}
