import Contracts
import Metering

/// The leader's queue in memory: fair queue, backlog and providers, and the choice of what goes next. Pure.
struct DispatchQueue: Sendable {
  private(set) var fair: FairQueue
  private var backlog = Backlog()
  var board: ProviderBoard
  /// The switch for all sending.
  var isSending = true
  /// Users whose SMS are held back as a whole.
  private var held: Set<UserID> = []

  init(board: ProviderBoard) {
    self.board = board
    fair = FairQueue(providers: board.providers.map(\.name).sorted())
  }

  /// True when nothing waits that could be served.
  var isEmpty: Bool { fair.backlog == 0 }

  // MARK: Filling

  /// Makes all flows of the store known, with what waits in them, as an earlier leader left them.
  mutating func restore(_ flows: [TakeOver.Flow], clocks: [String: ProviderClock] = [:], held: Set<UserID>) {
    self.held = held
    for flow in flows {
      fair.register(flow.key, id: flow.id, weight: flow.weight, tags: flow.tags, headNumber: flow.headNumber)
    }
    fair.resume(clocks)
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
  /// - Parameter provider: The one that it was given to.
  mutating func giveBack(_ unit: ReturnedUnit, flow: FlowKey, at provider: String) {
    guard let id = fair.id(of: flow) else { return }
    backlog.putBack(unit, in: flow, id: id)
    if !held.contains(flow.userID) { fair.giveBack(flow, at: provider) }
    sync(flow)
  }

  /// Puts a unit whose backoff is over to the front of its flow.
  mutating func readmit(_ unit: ReturnedUnit, flow: FlowKey) {
    guard let id = fair.id(of: flow) else { return }
    backlog.putBack(unit, in: flow, id: id)
    sync(flow)
  }

  /// Puts a unit that an earlier leader left behind those of its flow that are known already.
  mutating func restore(_ unit: ReturnedUnit, flow: FlowKey) {
    guard let id = fair.id(of: flow) else { return }
    backlog.append(unit, to: flow, id: id)
    sync(flow)
  }

  /// Takes in where the holes in a part of a flow are.
  mutating func learn(_ found: HoleReading.Found, of key: FlowKey) { backlog.learn(found, of: key) }

  /// Holds one user's SMS back, or lets them go on. What was outstanding still goes.
  mutating func hold(_ user: UserID, _ isHeld: Bool) {
    if isHeld { held.insert(user) } else { held.remove(user) }
    for key in backlog.flows(of: user) { sync(key) }
  }

  mutating func fill(_ key: FlowKey, with spans: [MessageSpan]) -> Bool {
    defer { sync(key) }
    return backlog.fill(key, with: spans)
  }

  /// SMS of a user that were dispatched before and wait again.
  func returnedCount(of user: UserID) -> Int {
    backlog.flows(of: user).reduce(0) { $0 + backlog.returnedCount(of: $1) }
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
    /// Virtual start tags, by provider, of the flows that were served.
    var tags: [FlowKey: FlowTags] = [:]
    /// The providers' virtual times after that.
    var clocks: [String: ProviderClock] = [:]
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

  /// What one provider would carry next.
  private enum Offer {
    case unit(FlowKey, isReturned: Bool, cost: Int)
    case missing(MissingPage)
  }

  /// First the provider, by weight among those that have a slot and somebody who waits; then the SMS, by the tags there.
  private mutating func choose(limit: Int, now: Double) throws -> Plan {
    var plan = Plan()
    guard isSending, !isEmpty else {
      plan.idle = Set(board.providers.map(\.name))
      return plan
    }
    board.beginRound(now: now)
    var open = board.open(now: now).sorted()
    let working = board.working(now: now)
    var offers: [String: Offer] = [:]
    while plan.picks.count < limit, !open.isEmpty {
      for name in open where offers[name] == nil {
        guard let offer = try offer(at: name, working: working) else { continue }
        if case .missing(let page) = offer {
          plan.missing = soonestPages(after: page, at: name)
          break
        }
        // Without the tokens the provider waits for it: smaller SMS must not overtake it for ever.
        if case .unit(_, _, let cost) = offer, !board.isReady(name, cost: cost, now: now) {
          open.removeAll { $0 == name }
        } else {
          offers[name] = offer
        }
      }
      guard plan.missing.isEmpty else { break }
      guard let name = board.choose(among: open.filter { offers[$0] != nil }),
        case .unit(let key, let isReturned, let cost)? = offers.removeValue(forKey: name)
      else {
        plan.idle = Set(open)
        break
      }
      guard let source = backlog.peek(key, isReturned: isReturned) else { throw StoreError.outOfStep }
      let pick = DispatchPick(source: source, flow: key, provider: name, cost: cost)
      guard board.spend(cost, at: name, for: pick.attempt, now: now) else {
        open.removeAll { $0 == name }
        continue
      }
      backlog.take(from: key, isReturned: isReturned)
      fair.serve(key, at: name)
      sync(key)
      plan.picks.append(pick)
      plan.tags[key] = fair.id(of: key).map { FlowTags(flowID: $0, tags: fair.tags(of: key)) }
      // What the others would carry next may have been this one, or now be what lay behind it.
      if key.provider == nil { offers.removeAll() }
      if board.hasGlobalRoom(now: now) {
        if board[name]?.opening(1, now: now).map({ $0 <= now }) != true { open.removeAll { $0 == name } }
      } else {
        open = []
      }
    }
    plan.clocks = fair.clocks
    return plan
  }

  /// What a provider carries next.
  /// - Throws: `StoreError.outOfStep` when the queue counts an SMS that is not there.
  private mutating func offer(at name: String, working: Set<String>) throws -> Offer? {
    guard let key = fair.next(at: name, where: { $0.permits(name, working: working) }) else { return nil }
    switch backlog.next(of: key, at: name, working: working) {
    case .missing(let page): return .missing(page)
    case .nothing: throw StoreError.outOfStep
    case .unit(let isReturned, let segments):
      return .unit(key, isReturned: isReturned, cost: board.cost(of: segments, at: name))
    }
  }

  /// The page that a provider needs now, and those of the flows whose turn comes next there.
  private mutating func soonestPages(after page: MissingPage, at name: String) -> [MissingPage] {
    let soon = fair.upcoming(at: name, limit: Self.pagesAtOnce)
    let others = soon.filter { $0 != page.key }.compactMap { backlog.neededPage(of: $0) }
    return [page] + others.prefix(Self.pagesAtOnce - 1)
  }

  // MARK: Heads

  /// The heads of all flows with a backlog.
  func heads() -> [FlowHead] { fair.heads().map(completed) }

  /// The heads of the flows that changed since the last call.
  mutating func takeChangedHeads() -> [FlowHead] { fair.takeChangedHeads().map(completed) }

  /// With what the backlog knows of the flow beside its turn.
  private func completed(_ head: FlowHead) -> FlowHead {
    let key = FlowKey(head)
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
