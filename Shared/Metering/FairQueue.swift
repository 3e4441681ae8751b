import Contracts

/// Start-time fair queueing on two levels, at each provider: between classes by 16 : 4 : 1, within a class between users by
/// weight.
///
/// Pure and synchronous: it holds how many SMS wait in each flow, not the SMS. Each provider shares its own capacity: for
/// each it keeps a virtual time, a tag of every class and a tag of every flow that may use it, and what one provider
/// carries moves nothing at the others. A provider's next SMS is that of the flow with the smallest tag in the class with
/// the smallest tag, among those that it may carry. The backlog of a flow is one, whoever serves it. A flow that begins to
/// wait starts at the virtual time, the highest tag served so far, so its first SMS is next whatever the backlog, and
/// neither idleness nor a provider's stop earns credit. Equal tags go by flow number, equal classes urgent first, so the
/// order is one and the same for whoever computes it. (Goyal, Vin, Cheng: Start-time Fair Queueing, 1997.)
public struct FairQueue: Sendable {
  struct Flow: Sendable {
    var key: FlowKey
    var id: Int64
    /// The user's own weight.
    var userWeight: Double
    /// The user's place among all.
    var user: Int
    /// Who may carry its SMS, as places among all providers.
    var places: [Int]
    /// Virtual start tags, by place of provider; of no meaning for those that may not carry its SMS.
    var tags: [Int64]
    var backlog = 0
    var headNumber: Int64
    /// Who may carry the flow's next SMS.
    var eligibility: Eligibility
    /// Changes when the flow begins to wait or its eligibility changes.
    var stamp: UInt64 = 0
  }

  /// One class at one provider.
  struct Lane: Sendable {
    var tag: Int64 = 0
    var virtualTime: Int64 = 0
    var backlog = 0
    /// Its turn came, and nobody in it would go by this provider.
    var isPassedOver = false
    /// One heap for each set of providers that may carry a flow's next SMS, side by side with that set.
    var eligibilities: [Eligibility] = []
    var heaps: [TaggedHeap] = []
    /// By place of user: how many flows with a backlog they have here, which share the user's weight.
    var flowsOfUser: [Int32] = []
  }

  /// The providers, each at its place.
  public let providers: [String]
  private var placesOfProviders: [String: Int]
  private(set) var flows: [Flow] = []
  private var indexes: [FlowKey: Int] = [:]
  private var placesOfUsers: [UserID: Int] = [:]
  /// By class and provider.
  private var lanes: [[Lane]]
  /// Virtual time between the classes at each provider: the highest class tag served.
  private var times: [Int64]
  /// SMS that wait, by class.
  private var backlogs = [Int](repeating: 0, count: MessageClass.allCases.count)
  private var clock: UInt64 = 0
  private var changed: Set<Int> = []
  /// How many flows have a backlog.
  public private(set) var headCount = 0

  /// - Parameter providers: All there are.
  public init(providers: [String]) {
    self.providers = providers
    placesOfProviders = Dictionary(providers.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    lanes = MessageClass.allCases.map { _ in providers.map { _ in Lane() } }
    times = providers.map { _ in 0 }
  }

  /// SMS waiting in all flows.
  public var backlog: Int { backlogs.reduce(0, +) }

  /// Flows that were ever registered.
  public var flowCount: Int { flows.count }

  /// SMS waiting in one flow.
  public func backlog(of key: FlowKey) -> Int { indexes[key].map { flows[$0].backlog } ?? 0 }

  /// Makes a flow known, or changes the weight of its user from the next SMS on.
  /// - Parameters:
  ///   - id: The number that the flow has in the store.
  ///   - weight: The user's share within the class; at least 0.001.
  ///   - tags: Where a flow read from the store stood at each provider; elsewhere it starts at the virtual time.
  public mutating func register(
    _ key: FlowKey, id: Int64, weight: Double, tags: [String: Int64] = [:], headNumber: Int64 = 0
  ) {
    let weight = max(weight, 0.001)
    if let index = indexes[key] {
      flows[index].userWeight = weight
      return
    }
    indexes[key] = flows.count
    let user = placesOfUsers[key.userID] ?? placesOfUsers.count
    placesOfUsers[key.userID] = user
    flows.append(
      Flow(
        key: key, id: id, userWeight: weight, user: user,
        places: key.providers.map { $0.compactMap { placesOfProviders[$0] } } ?? Array(providers.indices),
        tags: providers.map { tags[$0] ?? 0 }, headNumber: headNumber,
        eligibility: Eligibility(allowed: key.providers)))
  }

  /// Adds SMS at the end of a registered flow (or anywhere in it: the order within a flow is the caller's).
  public mutating func add(_ count: Int, to key: FlowKey) {
    guard count > 0, let index = indexes[key] else { return }
    let wasIdle = flows[index].backlog == 0
    flows[index].backlog += count
    let place = key.messageClass.place
    backlogs[place] += count
    for provider in flows[index].places {
      if lanes[place][provider].backlog == 0 {
        lanes[place][provider].tag = max(lanes[place][provider].tag, times[provider])
      }
      lanes[place][provider].backlog += count
      guard wasIdle else { continue }
      lanes[place][provider].count(flows[index].user, 1)
      flows[index].tags[provider] = max(flows[index].tags[provider], lanes[place][provider].virtualTime)
    }
    if wasIdle {
      headCount += 1
      pushEverywhere(index)
    }
    changed.insert(index)
  }

  /// Puts back an SMS that was taken but not sent: the flow and its class get their turn back at the provider that gave it.
  public mutating func giveBack(_ key: FlowKey, at provider: String) {
    guard let index = indexes[key] else { return }
    add(1, to: key)
    guard let provider = placesOfProviders[provider], flows[index].places.contains(provider) else { return }
    flows[index].tags[provider] -= step(of: index, at: provider)
    lanes[key.messageClass.place][provider].tag -= key.messageClass.step
    push(index, at: provider)
  }

  /// Takes SMS out without serving them: cancelled, expired, paused.
  public mutating func remove(_ count: Int, from key: FlowKey) {
    guard let index = indexes[key] else { return }
    drop(min(count, flows[index].backlog), at: index)
  }

  /// Says who may carry the flow's next SMS; its turns stay where they are, but at a provider that it may use anew it starts
  /// at the virtual time.
  public mutating func set(_ eligibility: Eligibility, of key: FlowKey) {
    guard let index = indexes[key], flows[index].eligibility != eligibility else { return }
    let old = flows[index].eligibility
    flows[index].eligibility = eligibility
    guard flows[index].backlog > 0 else { return }
    for provider in flows[index].places where old.skips(providers[provider]) && !eligibility.skips(providers[provider])
    {
      flows[index].tags[provider] = max(
        flows[index].tags[provider], lanes[key.messageClass.place][provider].virtualTime)
    }
    pushEverywhere(index)
  }

  /// Says which number the flow's next SMS that was never dispatched has.
  public mutating func moveHead(of key: FlowKey, to number: Int64) {
    guard let index = indexes[key], flows[index].headNumber != number else { return }
    flows[index].headNumber = number
    changed.insert(index)
  }

  /// The flow whose SMS a provider carries next; nothing is taken.
  /// - Parameter isEligible: Whether it may carry an SMS of this eligibility now.
  public mutating func next(
    at provider: String, where isEligible: (Eligibility) -> Bool = { _ in true }
  ) -> FlowKey? {
    guard let provider = placesOfProviders[provider] else { return nil }
    var best: (classTag: Int64, flow: Int)?
    for place in lanes.indices {
      func isFirst(_ lane: Lane) -> Bool { best.map { lane.tag < $0.classTag } ?? true }
      guard lanes[place][provider].backlog > 0, isFirst(lanes[place][provider]) else { continue }
      guard let flow = firstFlow(ofClassAt: place, at: provider, where: isEligible) else {
        lanes[place][provider].isPassedOver = true
        continue
      }
      if lanes[place][provider].isPassedOver {
        // All that waited here waited for another provider: that saves no turns.
        lanes[place][provider].tag = max(lanes[place][provider].tag, times[provider])
        lanes[place][provider].isPassedOver = false
        guard isFirst(lanes[place][provider]) else { continue }
      }
      best = (lanes[place][provider].tag, flow)
    }
    return best.map { flows[$0.flow].key }
  }

  /// Takes the next SMS of a flow for a provider, which advances its tag and its class's there.
  public mutating func serve(_ key: FlowKey, at provider: String) {
    guard let index = indexes[key], flows[index].backlog > 0, let provider = placesOfProviders[provider] else { return }
    let place = key.messageClass.place
    let time = lanes[place][provider].virtualTime
    if flows[index].eligibility.skips(providers[provider]) {
      // It was passed over while another provider worked: that earns no credit beyond this turn.
      flows[index].tags[provider] = max(flows[index].tags[provider], time)
    }
    lanes[place][provider].virtualTime = max(time, flows[index].tags[provider])
    times[provider] = max(times[provider], lanes[place][provider].tag)
    lanes[place][provider].tag += key.messageClass.step
    flows[index].tags[provider] += step(of: index, at: provider)
    drop(1, at: index)
    if flows[index].backlog > 0 { push(index, at: provider) }
  }

  /// The number that a registered flow has in the store.
  public func id(of key: FlowKey) -> Int64? { indexes[key].map { flows[$0].id } }

  /// The virtual start tags of a flow's next SMS by provider, to be stored with it.
  public func tags(of key: FlowKey) -> [String: Int64] {
    guard let index = indexes[key] else { return [:] }
    return Dictionary(
      flows[index].places.map { (providers[$0], flows[index].tags[$0]) }, uniquingKeysWith: { first, _ in first })
  }

  /// The flows whose turns come next at a provider: of each class and eligibility the first so many, in order.
  public mutating func upcoming(at provider: String, limit: Int) -> [FlowKey] {
    guard let provider = placesOfProviders[provider] else { return [] }
    var keys: [FlowKey] = []
    for place in lanes.indices {
      for number in lanes[place][provider].heaps.indices {
        let flows = flows
        let entries = lanes[place][provider].heaps[number].first(limit) { flows[$0.flow].isCurrent($0, at: provider) }
        keys += entries.map { flows[$0.flow].key }
      }
    }
    return keys
  }

  // MARK: Heads

  /// The heads of all flows with a backlog, and of those that ended and would not begin at the virtual time again.
  public func heads() -> [FlowHead] {
    flows.indices.filter { index in
      let flow = flows[index]
      let place = flow.key.messageClass.place
      return flow.backlog > 0 || flow.places.contains { flow.tags[$0] > lanes[place][$0].virtualTime }
    }.map(head)
  }

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
      let turns = providers.indices.map { provider in
        let lane = lanes[messageClass.place][provider]
        return ClassTurn(
          tag: lane.backlog > 0 ? lane.tag : max(lane.tag, times[provider]), virtualTime: lane.virtualTime)
      }
      return ClassHead(
        messageClass: messageClass, tag: turns.first?.tag ?? 0, backlog: backlogs[messageClass.place],
        virtualTime: turns.first?.virtualTime ?? 0,
        turns: turns.count > 1
          ? Dictionary(zip(providers, turns), uniquingKeysWith: { first, _ in first }) : nil)
    }
  }

  /// Virtual time between the classes, at the first provider.
  public var virtualTime: Int64 { times.first ?? 0 }

  private func head(_ index: Int) -> FlowHead {
    let flow = flows[index]
    let tags = flow.places.map { flow.tags[$0] }
    let steps = flow.places.map { step(of: index, at: $0, joining: flow.backlog == 0) }
    let isSame = tags.allSatisfy { $0 == tags[0] }
    let isEven = steps.allSatisfy { $0 == steps[0] }
    func named(_ values: [Int64]) -> [String: Int64] {
      Dictionary(zip(flow.places.map { providers[$0] }, values), uniquingKeysWith: { first, _ in first })
    }
    return FlowHead(
      flowID: flow.id, messageClass: flow.key.messageClass, userID: flow.key.userID, provider: flow.key.provider,
      providers: flow.key.provider == nil ? flow.key.providers : nil, tag: tags.min() ?? 0,
      step: steps.max() ?? VirtualTime.step(weight: flow.userWeight), tags: isSame ? nil : named(tags),
      steps: isEven ? nil : named(steps), backlog: flow.backlog, headNumber: flow.headNumber)
  }

  // MARK: Clocks

  func turn(of messageClass: MessageClass, at provider: Int) -> ClassTurn {
    let lane = lanes[messageClass.place][provider]
    return ClassTurn(tag: lane.tag, virtualTime: lane.virtualTime)
  }

  func time(at provider: Int) -> Int64 { times[provider] }

  /// Lets the clocks go on where an earlier leader's stood.
  ///
  /// For a new leader, before it adds what waits. Without a clock the highest tag but one SMS of any flow says where it stood:
  /// else a flow that was served much would stand behind everybody who is new.
  public mutating func resume(_ clocks: [String: ProviderClock]) {
    for provider in providers.indices {
      guard let clock = clocks[providers[provider]] else { continue }
      times[provider] = max(times[provider], clock.time)
      for messageClass in MessageClass.allCases {
        guard let turn = clock.classes[messageClass.rawValue] else { continue }
        let place = messageClass.place
        lanes[place][provider].tag = max(lanes[place][provider].tag, turn.tag)
        lanes[place][provider].virtualTime = max(lanes[place][provider].virtualTime, turn.virtualTime)
      }
    }
    for index in flows.indices {
      let place = flows[index].key.messageClass.place
      for provider in flows[index].places where clocks[providers[provider]] == nil {
        let served = flows[index].tags[provider] - step(of: index, at: provider, joining: true)
        lanes[place][provider].virtualTime = max(lanes[place][provider].virtualTime, served)
      }
    }
  }

  // MARK: Inside

  /// What one SMS adds to the flow's tag: the user's weight is shared by their flows with a backlog in this class at this
  /// provider.
  private func step(of index: Int, at provider: Int, joining: Bool = false) -> Int64 {
    let flow = flows[index]
    let siblings = lanes[flow.key.messageClass.place][provider].flows(of: flow.user) + (joining ? 1 : 0)
    return VirtualTime.step(weight: flow.userWeight / Double(max(1, siblings)))
  }

  private mutating func firstFlow(
    ofClassAt place: Int, at provider: Int, where isEligible: (Eligibility) -> Bool
  ) -> Int? {
    var best: TaggedHeap.Entry?
    for number in lanes[place][provider].heaps.indices
    where isEligible(lanes[place][provider].eligibilities[number]) {
      let flows = flows
      let entry = lanes[place][provider].heaps[number].first { flows[$0.flow].isCurrent($0, at: provider) }
      if let entry, best.map({ entry < $0 }) ?? true { best = entry }
    }
    return best?.flow
  }

  /// Puts a flow in line at all its providers: it begins to wait, or others may carry its next SMS.
  private mutating func pushEverywhere(_ index: Int) {
    clock += 1
    flows[index].stamp = clock
    for provider in flows[index].places { push(index, at: provider) }
  }

  private mutating func push(_ index: Int, at provider: Int) {
    let flow = flows[index]
    let entry = TaggedHeap.Entry(tag: flow.tags[provider], flowID: flow.id, flow: index, stamp: flow.stamp)
    let place = flow.key.messageClass.place
    let flows = flows
    func isCurrent(_ entry: TaggedHeap.Entry) -> Bool { flows[entry.flow].isCurrent(entry, at: provider) }
    if let number = lanes[place][provider].eligibilities.firstIndex(of: flow.eligibility) {
      lanes[place][provider].heaps[number].push(entry, where: isCurrent)
    } else {
      var heap = TaggedHeap()
      heap.push(entry, where: isCurrent)
      lanes[place][provider].eligibilities.append(flow.eligibility)
      lanes[place][provider].heaps.append(heap)
    }
    changed.insert(index)
  }

  private mutating func drop(_ count: Int, at index: Int) {
    guard count > 0 else { return }
    flows[index].backlog -= count
    let isIdle = flows[index].backlog == 0
    let place = flows[index].key.messageClass.place
    backlogs[place] -= count
    for provider in flows[index].places {
      lanes[place][provider].backlog -= count
      if isIdle { lanes[place][provider].count(flows[index].user, -1) }
    }
    if isIdle {
      flows[index].stamp = 0
      headCount -= 1
    }
    changed.insert(index)
  }
}

extension FairQueue.Flow {
  /// Whether an entry of a heap still says where the flow stands.
  func isCurrent(_ entry: TaggedHeap.Entry, at provider: Int) -> Bool {
    stamp == entry.stamp && tags[provider] == entry.tag
  }
}

extension FairQueue.Lane {
  func flows(of user: Int) -> Int { user < flowsOfUser.count ? Int(flowsOfUser[user]) : 0 }

  mutating func count(_ user: Int, _ change: Int32) {
    while flowsOfUser.count <= user { flowsOfUser.append(0) }
    flowsOfUser[user] += change
  }
}

extension Eligibility {
  /// Whether the provider is passed over while another one works.
  fileprivate func skips(_ provider: String) -> Bool { !includes(provider) || avoided.contains(provider) }
}
