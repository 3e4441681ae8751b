import Contracts

/// Where an SMS stands and when it goes out, computed from the heads of the flows: nothing is counted or stored.
///
/// Pure; fed with `queue.changed` and with what its owner accepted itself since.
public struct QueueSnapshot: Sendable {
  var classLines = [ClassLines](repeating: ClassLines(), count: MessageClass.allCases.count)
  var classHeads: [MessageClass: ClassHead] = [:]
  var providers: [String: ProviderPace] = [:]
  var pins = ProviderPins()
  var globalRate: Double?
  /// Run forward where flows share some of their providers and not others.
  var forecast: QueueForecast?
  private var epoch: Int64 = -1
  private var accepted = AcceptedSince()

  /// When the scheduler told the newest heads.
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
    classLines.reduce(0) { sum, lines in lines.backlogs.values.reduce(sum, +) }
  }

  /// Whether nothing waited at the moment of the heads.
  public var wasIdle: Bool { classHeads.values.allSatisfy { $0.backlog == 0 } }

  // MARK: Feeding

  /// Takes new heads; those of an older leader are ignored.
  public mutating func apply(_ change: QueueChanged) {
    guard change.epoch >= epoch else { return }
    let isComplete = change.isComplete || change.epoch > epoch
    if isComplete { for place in classLines.indices { classLines[place].removeAll() } }
    epoch = change.epoch
    asOf = change.asOf
    isSending = change.isSending
    globalRate = change.globalRate
    for head in change.classes { classHeads[head.messageClass] = head }
    providers = Dictionary(change.providers.map { ($0.provider, $0) }, uniquingKeysWith: { _, new in new })
    var unnamed = isComplete ? Set(accepted.flows.keys) : []
    for head in change.flows {
      let key = FlowKey(messageClass: head.messageClass, userID: head.userID, provider: head.provider)
      unnamed.remove(key)
      accepted.settle(key, endNumber: head.endNumber, asOf: change.asOf)
      set(key, head: head)
    }
    for key in unnamed {
      accepted.settleUnnamed(key, asOf: change.asOf)
      set(key, head: nil)
    }
    forecast = isMixed ? QueueForecast(self) : nil
  }

  /// Counts what its owner has just accepted, so that the next position counts it too.
  /// - Returns: SMS of the same flow that go before its first one.
  @discardableResult
  public mutating func noteAccepted(
    _ id: MessageID, flow key: FlowKey, count: Int, weight: Double, at time: Timestamp
  ) -> Int {
    let head = classLines[key.messageClass.place].head(of: key)
    if let end = accepted.endNumber(of: id), let counted = head?.endNumber, end <= counted {
      // Quicker than the answer: the heads count it already.
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

  /// Puts a flow's line in step with its head and with what was accepted since.
  private mutating func set(_ key: FlowKey, head: FlowHead?) {
    let new = accepted.count(of: key)
    let pin = pins.place(of: key.provider)
    let line =
      if let head {
        FlowLine(tag: head.tag, step: max(1, head.step), backlog: head.backlog + new, order: head.flowID, pin: pin)
      } else {
        // A flow that the scheduler may not know yet: it will start at the virtual time, after those at a tie.
        FlowLine(
          tag: startTag(of: key),
          step: VirtualTime.step(weight: accepted.flows[key]?.weight ?? 1), backlog: new, order: .max, pin: pin)
      }
    classLines[key.messageClass.place].set(key, line, head: head)
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
