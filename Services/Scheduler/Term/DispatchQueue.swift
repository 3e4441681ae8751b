import Contracts
import Metering

/// The leader's queue in memory: fair queue, backlog and providers, and the choice of what goes next. Pure.
struct DispatchQueue: Sendable {
  private(set) var fair = FairQueue()
  private var backlog = Backlog()
  var board: ProviderBoard
  /// The switch for all sending.
  var isSending = true
  /// Users whose SMS are held back as a whole.
  private var held: Set<UserID> = []

  init(board: ProviderBoard) { self.board = board }

  /// True when nothing waits that could be served.
  var isEmpty: Bool { fair.backlog == 0 }

  // MARK: Filling

  /// Makes all flows of the store known, with what waits in them, as an earlier leader left them.
  mutating func restore(_ flows: [TakeOver.Flow], held: Set<UserID>) {
    self.held = held
    for flow in flows {
      fair.register(flow.key, id: flow.id, weight: flow.weight, tag: flow.tag, headNumber: flow.headNumber)
    }
    fair.resumeVirtualTime()
    for flow in flows {
      backlog.note(flow)
      sync(flow.key)
    }
  }

  /// Adds a message that waits from now on: new, due, or resumed.
  mutating func admit(_ entry: QueueEntry) {
    fair.register(entry.flow, id: entry.flowID, weight: entry.weight)
    backlog.admit(entry.span, to: entry.flow, id: entry.flowID)
    sync(entry.flow)
  }

  /// Makes a flow known that nothing waits in yet.
  mutating func register(_ key: FlowKey, id: Int64, weight: Double) { fair.register(key, id: id, weight: weight) }

  /// Takes out a message that waits no longer: cancelled, expired or paused.
  mutating func withdraw(_ entry: QueueEntry) {
    backlog.withdraw(entry.span, from: entry.flow)
    sync(entry.flow)
  }

  /// Takes out units that came back and wait no longer.
  mutating func withdraw(_ units: Set<UnitID>, from flow: FlowKey) {
    backlog.withdraw(units, from: flow)
    sync(flow)
  }

  /// Puts a unit that was not sent to the front of its flow, which gets its turn back.
  mutating func giveBack(_ unit: ReturnedUnit, flow: FlowKey) {
    guard let id = fair.id(of: flow) else { return }
    backlog.putBack(unit, in: flow, id: id)
    if !held.contains(flow.userID) { fair.giveBack(flow) }
    sync(flow)
  }

  /// Puts a unit whose backoff is over to the front of its flow.
  mutating func readmit(_ unit: ReturnedUnit, flow: FlowKey) {
    guard let id = fair.id(of: flow) else { return }
    backlog.putBack(unit, in: flow, id: id)
    sync(flow)
  }

  /// Holds one user's SMS back, or lets them go on. What was outstanding still goes.
  mutating func hold(_ user: UserID, _ isHeld: Bool) {
    if isHeld { held.insert(user) } else { held.remove(user) }
    for key in backlog.flows(of: user) { sync(key) }
  }

  /// Lets what is pinned to a provider that works again begin where all others are: a stop earns no credit.
  mutating func catchUp(pinnedTo provider: String) { fair.catchUp(pinnedTo: provider) }

  mutating func fill(_ key: FlowKey, with spans: [MessageSpan]) -> Bool {
    defer { sync(key) }
    return backlog.fill(key, with: spans)
  }

  /// SMS that wait in a flow, also if its user is held back.
  func backlog(of key: FlowKey) -> Int { backlog.count(of: key) }

  /// Brings the fair queue's count of a flow, and who may carry its next SMS, in step with what lies in it.
  private mutating func sync(_ key: FlowKey) {
    let waiting = held.contains(key.userID) ? 0 : backlog.count(of: key)
    let known = fair.backlog(of: key)
    fair.set(backlog.eligibility(of: key), of: key)
    if waiting > known { fair.add(waiting - known, to: key) }
    if waiting < known { fair.remove(known - waiting, from: key) }
    if let numbers = backlog.numbers(of: key) { fair.moveHead(of: key, to: numbers.head) }
  }

  // MARK: Choosing

  /// What can go now.
  struct Plan: Sendable {
    var picks: [DispatchPick] = []
    /// Pages that must be read before the choice can go on: the one it stopped at, and those that come soon.
    var missing: [MissingPage] = []
    /// Virtual start tags of the flows that were served.
    var tags: [FlowKey: (flowID: Int64, tag: Int64)] = [:]
    /// Providers that could be given an SMS, and nobody who waits may use them; all when nobody waits or may go.
    var idle: Set<String> = []
  }

  /// Pages that are read at once.
  static let pagesAtOnce = 64

  /// Takes what can go now, at most `limit` SMS, in fair order, and tells the board which providers have nothing to do.
  /// - Parameter now: Seconds on PostgreSQL's clock.
  /// - Throws: `StoreError.outOfStep` when the queue counts an SMS that is not there.
  mutating func plan(limit: Int, now: Double) throws -> Plan {
    let plan = try choose(limit: limit, now: now)
    board.noteIdle(plan.idle.union(board.providers.filter { !$0.isWorking(now: now) }.map(\.name)), now: now)
    return plan
  }

  private mutating func choose(limit: Int, now: Double) throws -> Plan {
    var plan = Plan()
    guard isSending, !isEmpty else {
      plan.idle = Set(board.providers.map(\.name))
      return plan
    }
    board.beginRound(now: now)
    var open = board.open(now: now)
    let working = board.working(now: now)
    while plan.picks.count < limit, !open.isEmpty {
      guard let key = fair.next(where: { !$0.candidates(open: open, working: working).isEmpty }) else {
        plan.idle = open
        break
      }
      switch backlog.next(of: key, open: open, working: working) {
      case .missing(let page):
        plan.missing = soonestPages(after: page)
        return plan
      case .nothing:
        throw StoreError.outOfStep
      case .unit(let isReturned, let segments, let candidates):
        guard let name = board.choose(among: candidates, segments: segments, now: now) else {
          // Its tokens are not there yet. These providers wait for it: smaller SMS must not overtake it for ever.
          open.subtract(candidates)
          continue
        }
        guard let source = backlog.peek(key, isReturned: isReturned) else { throw StoreError.outOfStep }
        let pick = DispatchPick(source: source, flow: key, provider: name, cost: board.cost(of: segments, at: name))
        guard board.spend(pick.cost, at: name, for: pick.attempt, now: now) else {
          open.remove(name)
          continue
        }
        backlog.take(from: key, isReturned: isReturned)
        fair.serve(key)
        sync(key)
        plan.picks.append(pick)
        plan.tags[key] = fair.id(of: key).map { ($0, fair.tag(of: key)) }
        if board.hasGlobalRoom(now: now) {
          if board[name]?.opening(1, now: now).map({ $0 <= now }) != true { open.remove(name) }
        } else {
          open = []
        }
      }
    }
    return plan
  }

  /// The page that is needed now, and those of the flows whose turn comes next.
  private func soonestPages(after page: MissingPage) -> [MissingPage] {
    let others = backlog.missingPages.filter { $0.key != page.key && fair.backlog(of: $0.key) > 0 }
      .map { (page: $0, tag: fair.tag(of: $0.key)) }.sorted { $0.tag < $1.tag }
    return [page] + others.prefix(Self.pagesAtOnce - 1).map(\.page)
  }

  // MARK: Heads

  /// The heads of all flows with a backlog.
  func heads() -> [FlowHead] { fair.heads().map(completed) }

  /// The heads of the flows that changed since the last call.
  mutating func takeChangedHeads() -> [FlowHead] { fair.takeChangedHeads().map(completed) }

  /// With what the backlog knows of the flow beside its turn.
  private func completed(_ head: FlowHead) -> FlowHead {
    let key = FlowKey(messageClass: head.messageClass, userID: head.userID, provider: head.provider)
    guard let numbers = backlog.numbers(of: key) else { return head }
    var head = head
    head.endNumber = numbers.queuedEnd
    guard head.backlog > 0 else { return head }
    head.holes = numbers.holes.isEmpty ? nil : numbers.holes.counts
    let returned = backlog.returnedCount(of: key)
    head.returned = returned > 0 ? returned : nil
    return head
  }
}
