import Contracts

/// The heads that a batch ends with. They have no versions: the log's order decides, and within it the leader's epoch.
struct FoldedQueue: Sendable, Equatable {
  var epoch: Int64
  var asOf: Timestamp
  var virtualTime: Int64
  var globalRate: Double?
  var isSending: Bool
  /// True when flows that are not named here are gone.
  var replacesFlows: Bool
  /// The last part of complete heads has come: flows that were not told since are gone.
  var staleBefore: Timestamp?
  var classes: [MessageClass: ClassHead] = [:]
  var flows: [Int64: FlowHead] = [:]

  /// - Parameter knownEpoch: The epoch of the heads that are stored.
  init(_ change: QueueChanged, knownEpoch: Int64) {
    epoch = change.epoch
    asOf = change.asOf
    virtualTime = change.virtualTime
    isSending = change.isSending
    replacesFlows = change.epoch > knownEpoch && change.parts == nil
    apply(change)
  }

  /// Takes newer heads, which must not be of an older epoch.
  mutating func apply(_ change: QueueChanged) {
    if change.parts != nil {
      if !change.isPart { staleBefore = change.asOf }
    } else if change.isComplete || change.epoch > epoch {
      replacesFlows = true
      staleBefore = nil
      flows.removeAll()
    }
    epoch = change.epoch
    asOf = change.asOf
    virtualTime = change.virtualTime
    globalRate = change.globalRate
    isSending = change.isSending
    for head in change.classes { classes[head.messageClass] = head }
    for head in change.flows { flows[head.flowID] = head }
  }
}

/// What a batch says about one provider: settings, pace, or both.
struct FoldedProvider: Sendable, Equatable {
  var settings: ProvidersChanged.Entry?
  var pace: ProviderPace?
  /// `healthy`, `unhealthy`, `probing`, `paused`; the last word of either fact, as the two after it.
  var state: String
  var pauseReason: String?
  var weight: Double?

  init(state: String) { self.state = state }

  mutating func note(_ entry: ProvidersChanged.Entry) {
    settings = entry
    state = entry.state
    pauseReason = entry.pauseReason
    weight = entry.weight
  }

  mutating func note(_ pace: ProviderPace) {
    self.pace = pace
    state = pace.state
    pauseReason = pace.pauseReason
    weight = pace.weight ?? weight
  }
}
