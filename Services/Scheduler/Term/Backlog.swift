import Contracts
import DequeModule
import Metering

/// What waits in each flow, as far as it is in memory: a page of messages, and the units that came back.
///
/// The order between flows is the fair queue's; this holds the order within one. Every waiting message whose first
/// number is not above `lastLoaded` is on the page; the others lie in the store, counted. Pure.
struct Backlog: Sendable {
  /// Messages of one flow that are held in memory; the rest is read as needed.
  static let pageSize = 64

  struct Flow: Sendable {
    var id: Int64
    /// Units that came back, before everything else.
    var front: Deque<ReturnedUnit> = []
    var page: Deque<MessageSpan> = []
    /// Units of messages that lie only in the store, all behind the page.
    var unloaded = 0
    /// Units on the page and in the store: all that wait and were never dispatched.
    var fresh = 0
    /// The first number of the last message that is or was on the page.
    var lastLoaded: Int64 = -1
    var numbers = FlowNumbers()
  }

  private var flows: [FlowKey: Flow] = [:]
  private var keysOfUsers: [UserID: Set<FlowKey>] = [:]

  // MARK: Filling

  /// Adds a message that waits: at the end of its flow, or, if it was scheduled or paused, where its number puts it.
  mutating func admit(_ span: MessageSpan, to key: FlowKey, id: Int64) {
    var flow = remove(key, id: id)
    defer { flows[key] = flow }
    guard span.rest > 0 else { return }
    flow.numbers.admit(span.numbers, isOnly: flow.fresh == 0)
    flow.fresh += span.rest
    if span.firstNumber > flow.lastLoaded, flow.unloaded > 0 || flow.page.count >= Self.pageSize {
      flow.unloaded += span.rest
      return
    }
    let place = flow.page.firstIndex { $0.firstNumber > span.firstNumber } ?? flow.page.endIndex
    flow.page.insert(span, at: place)
    flow.lastLoaded = max(flow.lastLoaded, span.firstNumber)
    while flow.page.count > 2 * Self.pageSize, let last = flow.page.popLast(), let newLast = flow.page.last {
      flow.unloaded += last.rest
      flow.lastLoaded = newLast.firstNumber
    }
  }

  /// Notes what lies in the store when a leader starts; pages are read when their turn comes.
  mutating func note(_ restored: TakeOver.Flow) {
    var flow = remove(restored.key, id: restored.id)
    flow.unloaded += restored.unloaded
    flow.fresh += restored.unloaded
    flow.numbers = FlowNumbers(
      head: restored.headNumber, end: restored.endNumber, queuedEnd: restored.nextNumber)
    flows[restored.key] = flow
  }

  /// Puts a unit that came back to the front of its flow.
  mutating func putBack(_ unit: ReturnedUnit, in key: FlowKey, id: Int64) {
    var flow = remove(key, id: id)
    flow.front.prepend(unit)
    flows[key] = flow
  }

  /// Puts a unit that an earlier leader left behind those that are known already.
  mutating func append(_ unit: ReturnedUnit, to key: FlowKey, id: Int64) {
    var flow = remove(key, id: id)
    flow.front.append(unit)
    flows[key] = flow
  }

  /// Takes in where the holes in a part of a flow are.
  mutating func learn(_ found: HoleReading.Found, of key: FlowKey) {
    flows[key]?.numbers.learn(found.holes, within: found.numbers)
  }

  /// Takes a message out that waits no longer: cancelled, paused or expired.
  /// - Parameter span: What was left of it in the store; without a rest if it was not waiting.
  mutating func withdraw(_ span: MessageSpan, from key: FlowKey) {
    guard var flow = flows.removeValue(forKey: key) else { return }
    defer { flows[key] = flow }
    flow.front.removeAll { $0.unit.messageID == span.messageID }
    guard span.rest > 0 else { return }
    if let place = flow.page.firstIndex(where: { $0.messageID == span.messageID }) {
      flow.page.remove(at: place)
    } else {
      flow.unloaded -= span.rest
    }
    flow.fresh -= span.rest
    flow.numbers.withdraw(span.numbers, leavesNone: flow.fresh == 0)
  }

  /// Takes out units that came back and wait no longer.
  mutating func withdraw(_ units: Set<UnitID>, from key: FlowKey) {
    flows[key]?.front.removeAll { units.contains($0.unit) }
  }

  /// Where to read the next page of a flow, if what was never dispatched of it lies only in the store.
  func missingPage(of key: FlowKey) -> MissingPage? {
    guard let flow = flows[key], flow.page.isEmpty, flow.unloaded > 0 else { return nil }
    return MissingPage(key: key, flowID: flow.id, after: flow.lastLoaded)
  }

  /// The page that is missing of a flow that has nothing in memory.
  func neededPage(of key: FlowKey) -> MissingPage? {
    flows[key]?.front.isEmpty == true ? missingPage(of: key) : nil
  }

  /// Takes in a page that was read.
  /// - Returns: False when there is less in the store than was counted: memory and store are out of step.
  mutating func fill(_ key: FlowKey, with spans: [MessageSpan]) -> Bool {
    guard var flow = flows.removeValue(forKey: key) else { return false }
    defer { flows[key] = flow }
    for span in spans {
      flow.page.append(span)
      flow.unloaded -= span.rest
      flow.lastLoaded = span.firstNumber
    }
    return !spans.isEmpty && flow.unloaded >= 0
  }

  // MARK: Taking

  /// What can be taken from a flow.
  enum Next: Sendable, Hashable {
    /// A unit that came back, or one that was never dispatched; with what it takes of a limit, in segments.
    case unit(isReturned: Bool, segments: Int)
    /// A page must be read first.
    case missing(MissingPage)
    /// Nothing that the provider may carry.
    case nothing
  }

  /// Who may carry the next SMS of a flow: what came back, or, if that has to wait for a provider, what lies behind it.
  ///
  /// What lies only in the store may be for any provider of the flow until it has been read.
  func eligibility(of key: FlowKey) -> Eligibility {
    guard let flow = flows[key] else { return Eligibility(allowed: key.providers) }
    if flow.fresh == 0, let unit = flow.front.first { return Eligibility(of: unit, in: key) }
    return Eligibility(of: flow.page.first, in: key)
  }

  /// The next SMS of a flow that a provider may carry.
  func next(of key: FlowKey, at provider: String, working: Set<String>) -> Next {
    guard let flow = flows[key] else { return .nothing }
    if let unit = flow.front.first, Eligibility(of: unit, in: key).permits(provider, working: working) {
      return .unit(isReturned: true, segments: unit.segments)
    }
    guard Eligibility(of: flow.page.first, in: key).permits(provider, working: working) else { return .nothing }
    if let span = flow.page.first { return .unit(isReturned: false, segments: span.segments) }
    return missingPage(of: key).map { .missing($0) } ?? .nothing
  }

  /// What `take` would give.
  func peek(_ key: FlowKey, isReturned: Bool) -> DispatchPick.Source? {
    guard let flow = flows[key] else { return nil }
    if isReturned { return flow.front.first.map { .returned($0) } }
    return flow.page.first.map { .fresh(UnitID(messageID: $0.messageID, index: $0.cursor)) }
  }

  /// Takes the next unit of a flow.
  mutating func take(from key: FlowKey, isReturned: Bool) {
    guard var flow = flows.removeValue(forKey: key) else { return }
    defer { flows[key] = flow }
    if isReturned {
      _ = flow.front.popFirst()
    } else if var span = flow.page.popFirst() {
      flow.numbers.pass(span.numbers.lowerBound)
      flow.fresh -= 1
      span.cursor += 1
      if span.rest > 0 { flow.page.prepend(span) }
    }
  }

  // MARK: Asking

  /// Units that wait in a flow.
  func count(of key: FlowKey) -> Int { flows[key].map { $0.front.count + $0.fresh } ?? 0 }

  /// Units of a flow that were dispatched before and wait again.
  func returnedCount(of key: FlowKey) -> Int { flows[key]?.front.count ?? 0 }

  /// Where a flow's numbering stands.
  func numbers(of key: FlowKey) -> FlowNumbers? { flows[key]?.numbers }

  /// A flow's number in the store.
  func id(of key: FlowKey) -> Int64? { flows[key]?.id }

  /// The flows of one user.
  func flows(of user: UserID) -> Set<FlowKey> { keysOfUsers[user] ?? [] }

  /// Takes a flow out to be changed and put back; a new one when there is none.
  private mutating func remove(_ key: FlowKey, id: Int64) -> Flow {
    if let flow = flows.removeValue(forKey: key) { return flow }
    keysOfUsers[key.userID, default: []].insert(key)
    return Flow(id: id)
  }
}

/// A page of a flow that lies only in the store.
struct MissingPage: Sendable, Hashable {
  var key: FlowKey
  var flowID: Int64
  /// The first number of the last message that was on a page.
  var after: Int64
}

extension Eligibility {
  /// Who may carry a unit that came back.
  fileprivate init(of unit: ReturnedUnit, in key: FlowKey) {
    self.init(allowed: key.providers ?? unit.allowed, avoided: unit.avoided)
  }

  /// Who may carry a message that lies in a flow. One that was accepted by an earlier version may lie in the flow of all
  /// providers and be for some of them.
  fileprivate init(of span: MessageSpan?, in key: FlowKey) { self.init(allowed: key.providers ?? span?.allowed) }
}
