import Contracts

/// Start-time fair queueing on two levels: between classes by 16 : 4 : 1, within a class between users by weight.
///
/// Pure and synchronous: it holds how many SMS wait in each flow, not the SMS. The next SMS is that of the flow with the
/// smallest virtual start tag in the class with the smallest tag, among flows that an open provider may serve. An idle
/// flow starts at the virtual time, the highest tag served so far, so its first SMS is next whatever the backlog, and
/// idleness earns no credit. Equal tags go by flow number, equal classes urgent first, so the order is one and the same
/// for whoever computes it. (Goyal, Vin, Cheng: Start-time Fair Queueing, 1997.)
public struct FairQueue: Sendable {
  struct Flow: Sendable {
    var key: FlowKey
    var id: Int64
    /// The user's own weight.
    var userWeight: Double
    var tag: Int64
    var backlog = 0
    var headNumber: Int64
    /// Who may carry the flow's next SMS.
    var eligibility: Eligibility
    var stamp: UInt64 = 0
  }

  struct ClassState: Sendable {
    var tag: Int64 = 0
    var virtualTime: Int64 = 0
    var backlog = 0
    /// One heap for each set of providers that may carry a flow's next SMS, side by side with that set.
    var eligibilities: [Eligibility] = []
    var heaps: [TaggedHeap] = []
    /// How many flows with a backlog each user has here: they share the user's weight.
    var flowsOfUser: [UserID: Int] = [:]
  }

  private(set) var flows: [Flow] = []
  private var indexes: [FlowKey: Int] = [:]
  private var classes = [ClassState](repeating: ClassState(), count: MessageClass.allCases.count)
  private var clock: UInt64 = 0
  private var changed: Set<Int> = []

  /// Virtual time between the classes: the highest class tag served.
  public private(set) var virtualTime: Int64 = 0

  public init() {}

  /// SMS waiting in all flows.
  public var backlog: Int { classes.reduce(0) { $0 + $1.backlog } }

  /// Flows that were ever registered.
  public var flowCount: Int { flows.count }

  /// SMS waiting in one flow.
  public func backlog(of key: FlowKey) -> Int { indexes[key].map { flows[$0].backlog } ?? 0 }

  /// Makes a flow known, or changes the weight of its user from the next SMS on.
  /// - Parameters:
  ///   - id: The number that the flow has in the store.
  ///   - weight: The user's share within the class; at least 0.001.
  ///   - tag: Where a flow read from the store stood; a new one starts at the virtual time.
  public mutating func register(_ key: FlowKey, id: Int64, weight: Double, tag: Int64 = 0, headNumber: Int64 = 0) {
    let weight = max(weight, 0.001)
    if let index = indexes[key] {
      flows[index].userWeight = weight
      return
    }
    indexes[key] = flows.count
    flows.append(
      Flow(
        key: key, id: id, userWeight: weight, tag: tag, headNumber: headNumber,
        eligibility: Eligibility(pinned: key.provider)))
  }

  /// Moves the virtual time within a class on to what was served before: the highest tag but one SMS of any flow.
  ///
  /// For a new leader, after it has registered every flow and before it adds what waits. Without it a flow that was
  /// served much would stand behind everybody who is new.
  public mutating func resumeVirtualTime() {
    for index in flows.indices {
      let served = flows[index].tag - step(of: index, joining: true)
      let place = flows[index].key.messageClass.place
      classes[place].virtualTime = max(classes[place].virtualTime, served)
    }
  }

  /// Adds SMS at the end of a registered flow (or anywhere in it: the order within a flow is the caller's).
  public mutating func add(_ count: Int, to key: FlowKey) {
    guard count > 0, let index = indexes[key] else { return }
    let wasIdle = flows[index].backlog == 0
    flows[index].backlog += count
    let place = key.messageClass.place
    if classes[place].backlog == 0 { classes[place].tag = max(classes[place].tag, virtualTime) }
    classes[place].backlog += count
    if wasIdle {
      classes[place].flowsOfUser[key.userID, default: 0] += 1
      flows[index].tag = max(flows[index].tag, start(of: key))
      push(index)
    }
    changed.insert(index)
  }

  /// Puts back an SMS that was taken but not sent: the flow and its class get their turn back.
  public mutating func giveBack(_ key: FlowKey) {
    guard let index = indexes[key] else { return }
    let wasIdle = flows[index].backlog == 0
    let step = step(of: index, joining: wasIdle)
    add(1, to: key)
    flows[index].tag -= step
    classes[key.messageClass.place].tag -= key.messageClass.step
    push(index)
  }

  /// Takes SMS out without serving them: cancelled, expired, paused.
  public mutating func remove(_ count: Int, from key: FlowKey) {
    guard let index = indexes[key] else { return }
    drop(min(count, flows[index].backlog), at: index)
  }

  /// Says who may carry the flow's next SMS; its turn stays where it is.
  public mutating func set(_ eligibility: Eligibility, of key: FlowKey) {
    guard let index = indexes[key], flows[index].eligibility != eligibility else { return }
    flows[index].eligibility = eligibility
    if flows[index].backlog > 0 { push(index) }
  }

  /// Says which number the flow's next SMS that was never dispatched has.
  public mutating func moveHead(of key: FlowKey, to number: Int64) {
    guard let index = indexes[key], flows[index].headNumber != number else { return }
    flows[index].headNumber = number
    changed.insert(index)
  }

  /// The flow whose SMS is next among those that an open provider may serve; nothing is taken.
  /// - Parameter isOpen: Whether an SMS that these providers may carry can be served now.
  public mutating func next(where isOpen: (Eligibility) -> Bool) -> FlowKey? {
    var best: (classTag: Int64, flow: Int)?
    for place in classes.indices {
      let classTag = classes[place].tag
      guard classes[place].backlog > 0, best.map({ classTag < $0.classTag }) ?? true,
        let flow = firstFlow(ofClassAt: place, where: isOpen)
      else { continue }
      best = (classTag, flow)
    }
    return best.map { flows[$0.flow].key }
  }

  /// Takes the next SMS of a flow, which advances its tag and its class's.
  public mutating func serve(_ key: FlowKey) {
    guard let index = indexes[key], flows[index].backlog > 0 else { return }
    let step = step(of: index)
    let place = key.messageClass.place
    classes[place].virtualTime = max(classes[place].virtualTime, flows[index].tag)
    virtualTime = max(virtualTime, classes[place].tag)
    classes[place].tag += key.messageClass.step
    flows[index].tag += step
    drop(1, at: index)
    if flows[index].backlog > 0 { push(index) }
  }

  /// Lets the flows pinned to a provider that works again, or bound to some of which it is one, begin at the virtual time:
  /// a stop earns no credit.
  public mutating func catchUp(pinnedTo provider: String) {
    for index in flows.indices where flows[index].eligibility.isBound(to: provider) && flows[index].backlog > 0 {
      let place = flows[index].key.messageClass.place
      classes[place].tag = max(classes[place].tag, virtualTime)
      guard flows[index].tag < classes[place].virtualTime else { continue }
      flows[index].tag = classes[place].virtualTime
      push(index)
    }
  }

  /// The number that a registered flow has in the store.
  public func id(of key: FlowKey) -> Int64? { indexes[key].map { flows[$0].id } }

  /// The virtual start tag of a flow's next SMS, to be stored with it.
  public func tag(of key: FlowKey) -> Int64 { indexes[key].map { flows[$0].tag } ?? 0 }

  // MARK: Heads

  /// The heads of all flows with a backlog, and of those that ended and would not begin at the virtual time again.
  public func heads() -> [FlowHead] {
    flows.indices.filter { index in
      let flow = flows[index]
      return flow.backlog > 0 || flow.tag > classes[flow.key.messageClass.place].virtualTime
    }.map(head)
  }

  /// How many flows have a backlog.
  public var headCount: Int { classes.reduce(0) { $0 + $1.flowsOfUser.values.reduce(0, +) } }

  /// The heads of the flows that changed since the last call, ended ones with backlog 0.
  public mutating func takeChangedHeads() -> [FlowHead] {
    defer { changed.removeAll() }
    return changed.sorted().map(head)
  }

  /// True when a head changed since the last `takeChangedHeads()`.
  public var hasChangedHeads: Bool { !changed.isEmpty }

  /// The heads of the classes.
  public func classHeads() -> [ClassHead] {
    MessageClass.allCases.map { messageClass in
      let state = classes[messageClass.place]
      return ClassHead(
        messageClass: messageClass, tag: state.backlog > 0 ? state.tag : max(state.tag, virtualTime),
        backlog: state.backlog, virtualTime: state.virtualTime)
    }
  }

  private func head(_ index: Int) -> FlowHead {
    let flow = flows[index]
    return FlowHead(
      flowID: flow.id, messageClass: flow.key.messageClass, userID: flow.key.userID, provider: flow.key.provider,
      tag: flow.tag, step: step(of: index, joining: flow.backlog == 0), backlog: flow.backlog,
      headNumber: flow.headNumber)
  }

  // MARK: Inside

  /// What one SMS adds to the flow's tag: the user's weight is shared by their flows with a backlog in this class.
  private func step(of index: Int, joining: Bool = false) -> Int64 {
    let key = flows[index].key
    let siblings = classes[key.messageClass.place].flowsOfUser[key.userID, default: 0] + (joining ? 1 : 0)
    return VirtualTime.step(weight: flows[index].userWeight / Double(max(1, siblings)))
  }

  /// Where an idle flow begins: at the virtual time, but a pinned one not behind those who wait for the same provider.
  ///
  /// What other providers serve moves the virtual time on, too, perhaps much faster.
  private mutating func start(of key: FlowKey) -> Int64 {
    let place = key.messageClass.place
    let time = classes[place].virtualTime
    guard let provider = key.provider,
      let first = firstFlow(ofClassAt: place, where: { $0.pinned == nil || $0.pinned == provider })
    else { return time }
    return min(time, flows[first].tag)
  }

  private mutating func firstFlow(ofClassAt place: Int, where isOpen: (Eligibility) -> Bool) -> Int? {
    var best: TaggedHeap.Entry?
    for number in classes[place].heaps.indices where isOpen(classes[place].eligibilities[number]) {
      let flows = flows
      let entry = classes[place].heaps[number].first { flows[$0.flow].stamp == $0.stamp }
      if let entry, best.map({ entry < $0 }) ?? true { best = entry }
    }
    return best?.flow
  }

  private mutating func push(_ index: Int) {
    clock += 1
    flows[index].stamp = clock
    let flow = flows[index]
    let entry = TaggedHeap.Entry(tag: flow.tag, flowID: flow.id, flow: index, stamp: flow.stamp)
    let place = flow.key.messageClass.place
    if let number = classes[place].eligibilities.firstIndex(of: flow.eligibility) {
      classes[place].heaps[number].push(entry)
    } else {
      var heap = TaggedHeap()
      heap.push(entry)
      classes[place].eligibilities.append(flow.eligibility)
      classes[place].heaps.append(heap)
    }
    changed.insert(index)
  }

  private mutating func drop(_ count: Int, at index: Int) {
    guard count > 0 else { return }
    let key = flows[index].key
    flows[index].backlog -= count
    let isIdle = flows[index].backlog == 0
    if isIdle { flows[index].stamp = 0 }
    let place = key.messageClass.place
    classes[place].backlog -= count
    if isIdle {
      let left = classes[place].flowsOfUser[key.userID, default: 1] - 1
      classes[place].flowsOfUser[key.userID] = left > 0 ? left : nil
    }
    changed.insert(index)
  }
}
