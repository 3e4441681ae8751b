import Contracts

/// The gate's rules in memory, for virtual time: what `sender.claim` answers with `sliding` pacing.
struct GateModel {
  enum Verdict: Equatable {
    case claimed
    case wait(until: Double)
    case expired
    case inFlight
    case finished
  }

  enum Entry {
    case claimed
    case finished(AttemptOutcome)
    case expired
  }

  let count: Int
  let window: Double
  var ledger: [AttemptID: Entry] = [:]
  /// When each claim stops holding its slot, less one window; the last `count` decide.
  private var anchors: [AttemptID: Double] = [:]
  private var recent: [AttemptID] = []

  init(count: Int, window: Double) {
    self.count = count
    self.window = window
  }

  /// When the next SMS is let through.
  func opens(now: Double) -> Double {
    var held: [Double] = []
    for attempt in recent.reversed() {
      if let anchor = anchors[attempt], anchor + window > now { held.append(anchor) }
    }
    guard held.count >= count else { return now }
    held.sort(by: >)
    return held[count - 1] + window
  }

  func anchor(of attempt: AttemptID) -> Double? { anchors[attempt] }

  mutating func claim(_ attempt: AttemptID, notAfter: Double, now: Double) -> Verdict {
    switch ledger[attempt] {
    case .claimed: return .inFlight
    case .finished, .expired: return .finished
    case nil: break
    }
    guard notAfter > now else {
      ledger[attempt] = .expired
      return .expired
    }
    let opens = opens(now: now)
    guard opens <= now else { return .wait(until: opens) }
    ledger[attempt] = .claimed
    anchors[attempt] = now + 0.35
    recent.append(attempt)
    if recent.count > 2 * count + 8 {
      let old = recent.prefix(count).filter { anchors[$0, default: 0] + window <= now }
      for attempt in old { anchors[attempt] = nil }
      recent.removeAll { anchors[$0] == nil }
    }
    return .claimed
  }

  /// The first byte went out: the anchor is 250 ms later, or the answer, whichever is earlier.
  mutating func start(_ attempt: AttemptID, at time: Double) {
    if anchors[attempt] != nil { anchors[attempt] = time + 0.25 }
  }

  /// - Returns: False when it was ended before.
  mutating func finish(_ attempt: AttemptID, _ outcome: AttemptOutcome, startedAt: Double, now: Double) -> Bool {
    guard case .claimed = ledger[attempt] else { return false }
    ledger[attempt] = .finished(outcome)
    if anchors[attempt] != nil, outcome != .unknown { anchors[attempt] = min(now, startedAt + 0.25) }
    return true
  }

  /// Forgets what nobody asks for any more, so that long runs stay small.
  mutating func forget(_ attempt: AttemptID) { ledger[attempt] = nil }
}
