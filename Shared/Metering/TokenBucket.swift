/// When to ask for the next SMS: N tokens per window, refilled evenly, at most N (or a smaller burst) at a time.
///
/// It only decides when a send command is issued; what the provider sees is decided by the gate. Times are seconds of
/// any one clock that the caller uses throughout.
public struct TokenBucket: Sendable, Hashable {
  /// Tokens per window, also the most that can be held.
  public private(set) var count: Double
  /// The most that can be held, where that is less than `count`.
  private let burst: Double
  /// Seconds.
  public private(set) var window: Double
  private var level: Double
  private var updatedAt: Double

  /// An empty or full bucket; a new leader starts with an empty one, so that a change of leader earns nothing.
  /// - Parameter burst: The most that can be held; 1 at least, `count` without one.
  public init(count: Double, window: Double, burst: Double = .infinity, startsFull: Bool, now: Double) {
    self.burst = max(1, burst)
    self.count = max(count, 0.000_001)
    self.window = max(window, 0.001)
    level = 0
    updatedAt = now
    if startsFull { level = most }
  }

  private var most: Double { min(count, burst) }

  /// A microsecond's worth, the step of the clocks: less than that is taken for there.
  private var tolerance: Double { 1e-9 + rate * 0.000_001 }

  /// Tokens a second.
  public var rate: Double { count / window }

  /// Changes the rate from now on; what is held is kept up to the new most.
  public mutating func set(count: Double, window: Double, now: Double) {
    refill(now)
    self.count = max(count, 0.000_001)
    self.window = max(window, 0.001)
    level = min(level, most)
  }

  /// Takes `cost` tokens if they are there. A cost above the most is taken as the most: such an SMS goes alone.
  public mutating func take(_ cost: Double, now: Double) -> Bool {
    refill(now)
    let cost = min(cost, most)
    guard cost - level <= tolerance else { return false }
    level -= cost
    return true
  }

  /// Gives tokens back that were taken for an SMS that did not go.
  public mutating func giveBack(_ cost: Double) { level = min(most, level + min(cost, most)) }

  /// Tokens that are there.
  public func held(now: Double) -> Double { min(most, level + max(0, now - updatedAt) * rate) }

  /// When `cost` tokens will be there.
  public func available(_ cost: Double, now: Double) -> Double {
    let missing = min(cost, most) - (level + max(0, now - updatedAt) * rate)
    // Never so near that the sum rounds to now: what is not there now must not look so.
    return missing <= tolerance ? now : now + max(missing / rate, 0.000_002)
  }

  private mutating func refill(_ now: Double) {
    guard now > updatedAt else {
      // The clock stepped back: begin anew from there, with what is held, instead of waiting for it to catch up.
      if updatedAt - now > window { updatedAt = now }
      return
    }
    level = min(most, level + (now - updatedAt) * rate)
    updatedAt = now
  }
}
