import Contracts

/// Where an SMS stands and when it goes out, computed from the heads of the flows: nothing is counted or stored.
///
/// Pure; fed with `queue.changed` and with what its owner accepted itself since.
public struct QueueSnapshot: Sendable {
  private(set) var flows: [FlowKey: FlowHead] = [:]
  private var classes: [MessageClass: ClassHead] = [:]
  private var providers: [String: ProviderPace] = [:]
  private var epoch: Int64 = -1
  private var globalRate: Double?
  private(set) var accepted: [FlowKey: Accepted] = [:]

  /// What this owner accepted, until the heads that count it arrive.
  struct Accepted {
    var count: Int
    var weight: Double
  }

  public private(set) var asOf: Timestamp?
  /// False while the switch for all sending is off.
  public private(set) var isSending = true

  public init() {}

  /// False until heads have arrived: then nothing can be said.
  public var isKnown: Bool { asOf != nil }

  /// Providers as the scheduler sees them now.
  public var providerPaces: [ProviderPace] { providers.values.sorted { $0.provider < $1.provider } }

  /// SMS waiting in all flows.
  public var totalBacklog: Int {
    flows.values.reduce(0) { $0 + $1.backlog } + accepted.values.reduce(0) { $0 + $1.count }
  }

  // MARK: Feeding

  /// Takes new heads; those of an older leader are ignored.
  public mutating func apply(_ change: QueueChanged) {
    guard change.epoch >= epoch else { return }
    if change.isComplete || change.epoch > epoch { flows.removeAll() }
    epoch = change.epoch
    asOf = change.asOf
    isSending = change.isSending
    globalRate = change.globalRate
    for head in change.flows {
      let key = FlowKey(messageClass: head.messageClass, userID: head.userID, provider: head.provider)
      flows[key] = head.backlog > 0 ? head : nil
      accepted[key] = nil
    }
    if change.isComplete { accepted.removeAll() }
    for head in change.classes { classes[head.messageClass] = head }
    providers = Dictionary(change.providers.map { ($0.provider, $0) }, uniquingKeysWith: { _, new in new })
  }

  /// Counts what its owner has just accepted, so that the next position counts it too.
  public mutating func noteAccepted(flow: FlowKey, count: Int, weight: Double) {
    accepted[flow, default: Accepted(count: 0, weight: weight)].count += count
  }

  // MARK: Asking

  /// SMS waiting in one flow.
  public func backlog(of flow: FlowKey) -> Int { (flows[flow]?.backlog ?? 0) + (accepted[flow]?.count ?? 0) }

  /// The number of the flow's next SMS that was never dispatched; `nil` for a flow without a backlog.
  public func headNumber(of flow: FlowKey) -> Int64? { flows[flow]?.headNumber }

  /// SMS of its own flow before the one with this number: numbers between, less those that nobody waits for.
  ///
  /// Holes are known by segment; those of the number's own segment count as lying before it.
  /// - Returns: `nil` for a flow without a backlog.
  public func ahead(of number: Int64, in flow: FlowKey) -> Int? {
    guard let head = flows[flow] else { return nil }
    let segment = number / HoleCount.segmentSize
    let holes = (head.holes ?? []).filter { $0.segment <= segment }.reduce(0) { sum, hole in
      let start = max(head.headNumber, hole.segment * HoleCount.segmentSize)
      return sum + (hole.segment < segment ? hole.count : min(hole.count, Int(max(0, number - start))))
    }
    return max(0, min(Int(number - head.headNumber) - holes, head.backlog))
  }

  /// SMS that go before the one that has `ahead` others before it in its own flow, in true service order.
  ///
  /// With `T` the SMS's virtual start tag, another flow with head tag S, step s (1/weight) and backlog n sends
  /// `clamp(⌊(T − S)/s⌋ + 1, 0, n)` before it, one less at a tie that this flow wins; the same again between the
  /// classes. Only flows that can use a provider in common with this one count.
  /// - Returns: `nil` while no heads are known.
  public func position(in flow: FlowKey, ahead: Int) -> Int? {
    guard isKnown else { return nil }
    let own = line(of: flow)
    let tag = own.tag + Int64(ahead) * own.step
    var rank = ahead
    for other in competitors(of: flow, in: flow.messageClass) where other.key != flow {
      rank += other.line.turns(until: tag, winningTies: other.line.order < own.order)
    }
    let ownClass = classLine(of: flow.messageClass)
    let classTag = ownClass.tag + Int64(rank) * ownClass.step
    var position = rank
    for other in MessageClass.allCases where other != flow.messageClass {
      var line = classLine(of: other)
      line.backlog = competitors(of: flow, in: other).reduce(0) { $0 + $1.line.backlog }
      position += line.turns(until: classTag, winningTies: line.order < ownClass.order)
    }
    return position
  }

  /// How long, from now, until the SMS at a position goes out.
  public struct Estimate: Sendable, Hashable {
    public var middle: Duration
    public var low: Duration
    public var high: Duration
  }

  /// The time until `position` SMS have gone, at the rate that can be expected.
  /// - Parameter provider: The one the SMS is pinned to; `nil` for any.
  /// - Returns: `nil` while nothing goes: no heads, sending stopped, or no provider that works.
  public func wait(position: Int, provider: String?) -> Estimate? {
    guard isKnown, isSending else { return nil }
    let usable = providers.values.filter { provider == nil || $0.provider == provider }
    var rate = usable.reduce(0) { $0 + $1.effectiveRate }
    var nominal = usable.reduce(0) { $0 + $1.nominalRate }
    if let globalRate {
      rate = min(rate, globalRate)
      nominal = min(nominal, globalRate)
    }
    guard rate > 0 else { return nil }
    let count = Double(position)
    return Estimate(
      middle: .seconds(count / rate), low: .seconds(max(0, count / max(rate, nominal) - 1)),
      high: .seconds(1 + count / rate * 1.25))
  }

  // MARK: Inside

  /// A flow or a class as a straight line of tags.
  private struct Line {
    var tag: Int64
    var step: Int64
    var backlog: Int
    /// The smaller goes first at equal tags.
    var order: Int64

    /// How many of its SMS go before one with this tag.
    func turns(until other: Int64, winningTies: Bool) -> Int {
      let lead = other - tag - (winningTies ? 0 : 1)
      return lead < 0 ? 0 : Int(min(lead / step + 1, Int64(backlog)))
    }
  }

  private func line(of flow: FlowKey) -> Line {
    let own = accepted[flow]
    if let head = flows[flow] {
      return Line(
        tag: head.tag, step: max(1, head.step), backlog: head.backlog + (own?.count ?? 0), order: head.flowID)
    }
    // A flow that the scheduler may not know yet: it will start at the virtual time, after those at a tie.
    return Line(
      tag: classes[flow.messageClass]?.virtualTime ?? 0, step: VirtualTime.step(weight: own?.weight ?? 1),
      backlog: own?.count ?? 0, order: .max)
  }

  private func classLine(of messageClass: MessageClass) -> Line {
    let head = classes[messageClass]
    let order = MessageClass.allCases.firstIndex(of: messageClass) ?? 0
    return Line(tag: head?.tag ?? 0, step: messageClass.step, backlog: head?.backlog ?? 0, order: Int64(order))
  }

  private func competitors(of flow: FlowKey, in messageClass: MessageClass) -> [(key: FlowKey, line: Line)] {
    let known = flows.keys.filter { isCompetitor($0, of: flow, in: messageClass) }
    let new = accepted.keys.filter { flows[$0] == nil && isCompetitor($0, of: flow, in: messageClass) }
    return (known + new).map { ($0, line(of: $0)) }
  }

  private func isCompetitor(_ key: FlowKey, of flow: FlowKey, in messageClass: MessageClass) -> Bool {
    key.messageClass == messageClass
      && (key.provider == nil || flow.provider == nil || key.provider == flow.provider)
  }
}
