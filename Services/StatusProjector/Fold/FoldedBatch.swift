import Contracts

/// A stretch of the log folded to one row per thing: what one transaction writes.
///
/// Facts about messages, units and attempts may come in any order and any number of times, within a batch and across
/// batches. Facts about the queue and the providers count in the log's order.
struct FoldedBatch: Sendable, Equatable {
  private(set) var messages: [MessageID: FoldedMessage] = [:]
  private(set) var units: [UnitID: FoldedUnit] = [:]
  private(set) var attempts: [AttemptID: FoldedAttempt] = [:]
  /// Ends of messages that were cut off, by the state of their units: `cancelled` or `expired`.
  private(set) var cuts: [UnitState: [MessageID: FoldedCut]] = [:]
  private(set) var pauses: [CommandTarget: FoldedPause] = [:]
  private(set) var providers: [String: FoldedProvider] = [:]
  /// True when providers that are not named are gone.
  private(set) var replacesProviders = false
  private(set) var queue: FoldedQueue?
  /// The mark that the batch ends with: what is stored then is what will be compared.
  private(set) var mark: FoldedMark?
  /// The scheduler's counts, to be compared with what was stored at their marks.
  private(set) var counts: [FoldedCount] = []
  /// The newest `at` of a fact in it.
  private(set) var logTime: Timestamp?
  /// The scheduler's epoch that the heads have reached.
  private(set) var queueEpoch: Int64

  /// - Parameter queueEpoch: The epoch of the heads that are stored; -1 for none.
  init(queueEpoch: Int64) { self.queueEpoch = queueEpoch }

  mutating func apply(_ logged: LoggedFact) {
    logTime = max(logTime ?? logged.at, logged.at)
    // A mark says how things stood when it was folded: not what they came to be behind it.
    mark = nil
    switch logged.fact {
    case .accepted(let accepted): apply(accepted)
    case .queued(let queued): apply(queued)
    case .finished(let finished):
      for entry in finished.messages { messages[entry.messageID, default: FoldedMessage()].noteFinished(entry) }
    case .cancelled(let cancelled): for cut in cancelled.messages { apply(cut, as: .cancelled) }
    case .expired(let expired): for cut in expired.messages { apply(cut, as: .expired) }
    case .paused(let paused): note(isPaused: true, paused.targets, at: paused.changedAt)
    case .resumed(let resumed): note(isPaused: false, resumed.targets, at: resumed.changedAt)
    case .dispatched(let dispatched): apply(dispatched)
    case .changed(let changed): for change in changed.units { apply(change) }
    case .providers(let changed): apply(changed)
    case .queue(let change): apply(change)
    case .marked(let marked): mark = FoldedMark(marked)
    case .counted(let counted): counts.append(FoldedCount(counted))
    case .other: break
    }
  }

  private mutating func apply(_ accepted: MessageAccepted) {
    // A repeat under an idempotency key may tell other times; the scheduler took the first.
    if let known = messages[accepted.messageID]?.request, known.acceptedAt < accepted.acceptedAt { return }
    messages[accepted.messageID, default: FoldedMessage()].request = FoldedMessage.Request(accepted)
    for (index, phone) in accepted.recipients.enumerated() {
      merge(
        FoldedUnit(phone: phone, acceptedAt: accepted.acceptedAt),
        into: UnitID(messageID: accepted.messageID, index: index))
    }
  }

  private mutating func apply(_ queued: MessagesQueued) {
    for entry in queued.messages {
      messages[entry.messageID, default: FoldedMessage()].place = FoldedMessage.Place(
        flowID: entry.flowID, firstNumber: entry.firstNumber)
    }
  }

  private mutating func apply(_ message: CutMessage, as state: UnitState) {
    let cut = FoldedCut(message)
    if cuts[state]?[message.messageID]?.merge(cut) == nil { cuts[state, default: [:]][message.messageID] = cut }
    // Nothing of it is left to be dispatched for the first time.
    if message.total > 0 {
      messages[message.messageID, default: FoldedMessage()].noteDispatched(index: message.total - 1)
    }
  }

  private mutating func note(isPaused: Bool, _ targets: [CommandTarget], at time: Timestamp) {
    let pause = FoldedPause(isPaused: isPaused, changedAt: time)
    for target in targets where pauses[target].map({ pause.isLater(than: $0) }) ?? true { pauses[target] = pause }
  }

  private mutating func apply(_ dispatched: UnitsDispatched) {
    for entry in dispatched.units {
      let attempt = entry.attempt
      messages[attempt.messageID, default: FoldedMessage()].noteDispatched(index: attempt.index)
      merge(FoldedUnit(dispatched: entry, at: dispatched.dispatchedAt), into: attempt.unit)
      merge(FoldedAttempt(dispatched: entry, at: dispatched.dispatchedAt), into: attempt)
    }
  }

  private mutating func apply(_ change: UnitChange) {
    let attempt = change.attempt
    merge(FoldedUnit(change: change), into: attempt.unit)
    if let ended = FoldedAttempt(change: change) { merge(ended, into: attempt) }
    if change.outcome != nil {
      messages[attempt.messageID, default: FoldedMessage()].noteDispatched(index: attempt.index)
    }
    if let reply = change.reply {
      messages[attempt.messageID, default: FoldedMessage()].note(reply, of: change)
    }
  }

  private mutating func apply(_ changed: ProvidersChanged) {
    for entry in changed.providers {
      providers[entry.name, default: FoldedProvider(state: entry.state)].note(entry)
    }
  }

  private mutating func apply(_ change: QueueChanged) {
    guard change.epoch >= queueEpoch else { return }
    if queue == nil {
      queue = FoldedQueue(change, knownEpoch: queueEpoch)
    } else {
      queue?.apply(change)
    }
    queueEpoch = change.epoch
    if change.isComplete {
      let names = Set(change.providers.map(\.provider))
      providers = providers.filter { names.contains($0.key) }
      replacesProviders = true
    }
    for pace in change.providers {
      providers[pace.provider, default: FoldedProvider(state: pace.state)].note(pace)
    }
  }

  private mutating func merge(_ unit: FoldedUnit, into id: UnitID) {
    if units[id]?.merge(unit) == nil { units[id] = unit }
  }

  private mutating func merge(_ attempt: FoldedAttempt, into id: AttemptID) {
    if attempts[id]?.merge(attempt) == nil { attempts[id] = attempt }
  }
}
