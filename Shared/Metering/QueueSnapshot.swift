import Contracts

/// Where an SMS stands and when it goes out, computed from the heads of the flows: nothing is counted or stored.
///
/// Pure; fed with `queue.changed` and with what its owner accepted itself since.
public struct QueueSnapshot: Sendable {
  var classLines = [ClassLines](repeating: ClassLines(), count: MessageClass.allCases.count)
  var classHeads: [MessageClass: ClassHead] = [:]
  var providers: [String: ProviderPace] = [:]
  var sets = ProviderSets()
  /// What the sets come down to while the providers do as they do.
  private(set) var ways = ProviderWays(ProviderSets()) { _ in nil }
  var globalRate: Double?
  /// Run forward where flows share some of their providers and not others.
  var forecast: QueueForecast?
  private var epoch: Int64 = -1
  private var accepted = AcceptedSince()
  /// Complete heads of which the last part has not come.
  private var parts: QueueChanged?
  /// The last heads of flows that have ended: they begin again where they stood, unless the virtual time has passed that.
  var ended: [FlowKey: FlowHead] = [:]
  /// When they were told. For a while they also say which messages have gone already.
  private var endedAt: [FlowKey: Timestamp] = [:]
  private static let memory = Duration.seconds(10)

  /// When the scheduler told the newest heads.
  public private(set) var asOf: Timestamp?
  /// False while the switch for all sending is off.
  public private(set) var isSending = true
  /// Users whose traffic is held back as a whole.
  public private(set) var pausedUsers: Set<UserID> = []

  public init() {}

  /// False until heads have arrived: then nothing can be said.
  public var isKnown: Bool { asOf != nil }

  /// Providers as the scheduler sees them now.
  public var providerPaces: [ProviderPace] { providers.values.sorted { $0.provider < $1.provider } }

  /// SMS waiting in all flows.
  public var totalBacklog: Int {
    classLines.reduce(0) { sum, lines in lines.backlogs.values.reduce(sum, +) }
  }

  /// Whether nothing waited at the moment of the heads.
  public var wasIdle: Bool { classHeads.values.allSatisfy { $0.backlog == 0 } }

  // MARK: Feeding

  /// Takes new heads; those of an older leader are ignored, and a new leader's until it has told all of them. Complete ones
  /// that come in parts take effect with the last.
  public mutating func apply(_ change: QueueChanged) {
    guard change.epoch == epoch || (change.epoch > epoch && change.isComplete) else { return }
    guard change.isComplete, let number = change.part, let count = change.parts, count > 1 else {
      if change.isComplete { parts = nil }
      return take(change)
    }
    if number == 1 {
      parts = change
    } else if parts?.asOf == change.asOf, parts?.epoch == change.epoch, parts?.part == number - 1 {
      parts?.flows += change.flows
      parts?.part = number
    } else {
      // One was lost: all are told again.
      parts = nil
    }
    guard number == count, var whole = parts else { return }
    parts = nil
    (whole.part, whole.parts) = (nil, nil)
    take(whole)
  }

  /// Learns that all of one user's traffic is held back, or goes on.
  public mutating func hold(_ user: UserID, _ isHeld: Bool) {
    if isHeld { pausedUsers.insert(user) } else { pausedUsers.remove(user) }
  }

  private mutating func take(_ change: QueueChanged) {
    let isComplete = change.isComplete
    if isComplete { for place in classLines.indices { classLines[place].removeAll() } }
    epoch = change.epoch
    asOf = change.asOf
    isSending = change.isSending
    if isComplete { pausedUsers = Set(change.pausedUsers ?? []) }
    globalRate = change.globalRate
    for head in change.classes { classHeads[head.messageClass] = head }
    providers = Dictionary(change.providers.map { ($0.provider, $0) }, uniquingKeysWith: { _, new in new })
    for pace in change.providers { _ = sets.number(ofProvider: pace.provider) }
    var unnamed = isComplete ? Set(accepted.flows.keys) : []
    for head in change.flows {
      let key = FlowKey(head)
      unnamed.remove(key)
      accepted.settle(key, endNumber: head.endNumber, asOf: change.asOf)
      ended[key] = head.backlog > 0 ? nil : head
      endedAt[key] = head.backlog > 0 ? nil : change.asOf
      set(key, head: head.backlog > 0 ? head : nil)
    }
    forgetEnded()
    for key in unnamed {
      accepted.settleUnnamed(key, asOf: change.asOf)
      set(key, head: nil)
    }
    refresh()
  }

  /// Takes note of who can go where, and runs the queue forward where a position gives no time.
  mutating func refresh() {
    ways = currentWays
    forecast = isMixed ? QueueForecast(self) : nil
  }

  private var currentWays: ProviderWays {
    ProviderWays(sets) { name in
      guard let pace = providers[name] else { return nil }
      return pace.isGoing ? pace.effectiveRate : nil
    }
  }

  private mutating func forgetEnded() {
    guard let asOf else { return }
    for (key, head) in ended where !isAhead(head, of: key) {
      guard let time = endedAt[key], asOf - time < Self.memory else {
        ended[key] = nil
        endedAt[key] = nil
        continue
      }
    }
  }

  /// Counts what its owner has just accepted, so that the next position counts it too.
  /// - Returns: SMS of the same flow that go before its first one.
  @discardableResult
  public mutating func noteAccepted(
    _ id: MessageID, flow key: FlowKey, count: Int, weight: Double, at time: Timestamp
  ) -> Int {
    let head = classLines[key.messageClass.place].head(of: key)
    if let end = accepted.endNumber(of: id), let counted = (head ?? ended[key])?.endNumber, end <= counted {
      // Quicker than the answer: the heads count it already, or it has gone.
      return ahead(of: end - Int64(count), in: key) ?? 0
    }
    let ahead = backlog(of: key)
    accepted.accept(id, key, count: count, weight: weight, at: time)
    set(key, head: head)
    return ahead
  }

  /// Learns which numbers messages got, to know from which heads on they are counted there.
  public mutating func apply(_ queued: MessagesQueued) {
    for key in accepted.note(queued) {
      guard let asOf, let head = classLines[key.messageClass.place].head(of: key), let end = head.endNumber else {
        continue
      }
      accepted.settle(key, endNumber: end, asOf: asOf)
      set(key, head: head)
    }
  }

  /// Learns of messages that were cancelled or expired, perhaps before they ever waited.
  public mutating func forget(_ messages: [CutMessage]) {
    for key in accepted.forget(messages.map(\.messageID)) {
      set(key, head: classLines[key.messageClass.place].head(of: key))
    }
  }

  /// Puts a flow's line in step with its head and with what was accepted since.
  private mutating func set(_ key: FlowKey, head: FlowHead?) {
    let new = accepted.count(of: key)
    let set = sets.number(of: key.providers)
    if set >= ways.going.count { ways = currentWays }
    var line =
      if let head {
        FlowLine(
          tag: head.tag, step: max(1, head.step), backlog: head.backlog + new, order: head.flowID, turns: turns(head))
      } else {
        // Idle, or unknown to the scheduler yet: the number of a new one will be greater than all others.
        start(of: key, step: VirtualTime.step(weight: accepted.flows[key]?.weight ?? 1), backlog: new)
      }
    line.set = set
    classLines[key.messageClass.place].set(key, line, head: head)
  }

  /// Where a flow stands at each provider, by number.
  private mutating func turns(_ head: FlowHead) -> [FlowLine.Turn]? {
    guard head.tags != nil || head.steps != nil else { return nil }
    for name in head.tags?.keys.sorted() ?? [] { _ = sets.number(ofProvider: name) }
    return sets.providers.map { name in
      FlowLine.Turn(tag: head.tags?[name] ?? head.tag, step: max(1, head.steps?[name] ?? head.step))
    }
  }
}

extension FlowKey {
  /// The flow that a head tells of.
  public init(_ head: FlowHead) {
    self.init(
      messageClass: head.messageClass, userID: head.userID, provider: head.provider, allowed: head.providers)
  }
}

extension MessageClass {
  /// Its place in an array with one element for each class.
  var place: Int {
    switch self {
    case .urgent: 0
    case .normal: 1
    case .bulk: 2
    }
  }
}
