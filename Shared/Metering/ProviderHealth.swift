/// Whether a provider works: a sliding window of its outcomes, a pause when too many fail, then one probe at a time.
///
/// `accepted` and `rejected` are successes, `retryable` and `unknown` are failures, the others do not count. Times are
/// seconds of one clock.
public struct ProviderHealth: Sendable {
  /// When a provider counts as unhealthy.
  public struct Rules: Sendable, Hashable {
    /// Seconds.
    public var window: Double
    /// 0...1; unhealthy above it.
    public var failureRate: Double
    /// Fewer outcomes in the window say nothing.
    public var minSamples: Int
    /// Seconds until the first probe.
    public var cooldown: Double

    public init(window: Double = 300, failureRate: Double = 0.7, minSamples: Int = 10, cooldown: Double = 300) {
      self.window = window
      self.failureRate = failureRate
      self.minSamples = minSamples
      self.cooldown = cooldown
    }
  }

  public enum State: Sendable, Hashable {
    case healthy
    /// Gets nothing before then.
    case unhealthy(until: Double)
    /// Gets one SMS at a time until one succeeds.
    case probing
  }

  /// A failed probe is followed by the next after at most so many seconds.
  static let probeInterval = 10.0
  private static let slots = 30

  public var rules: Rules
  private var unhealthyUntil: Double?
  /// Successes and failures by slot of the window; a slot is a thirtieth of it.
  private var counts: [Int: (successes: Int, failures: Int)] = [:]

  /// - Parameter unhealthyUntil: What was stored when an earlier leader found the provider unhealthy.
  public init(rules: Rules = Rules(), unhealthyUntil: Double? = nil) {
    self.rules = rules
    self.unhealthyUntil = unhealthyUntil
  }

  public func state(now: Double) -> State {
    guard let unhealthyUntil else { return .healthy }
    return now < unhealthyUntil ? .unhealthy(until: unhealthyUntil) : .probing
  }

  /// When probing begins; `nil` for a healthy provider.
  public var probesFrom: Double? { unhealthyUntil }

  /// What the window holds.
  public func figures(now: Double) -> (successes: Int, failures: Int) {
    let oldest = slot(now) - Self.slots
    return counts.reduce((0, 0)) { sum, entry in
      entry.key > oldest && entry.key <= slot(now)
        ? (sum.0 + entry.value.successes, sum.1 + entry.value.failures) : sum
    }
  }

  /// Counts an outcome.
  /// - Returns: Whether the state changed.
  public mutating func note(isSuccess: Bool, now: Double) -> Bool {
    let slot = slot(now)
    if counts[slot] == nil { counts = counts.filter { $0.key > slot - Self.slots && $0.key <= slot } }
    counts[slot, default: (0, 0)].successes += isSuccess ? 1 : 0
    counts[slot, default: (0, 0)].failures += isSuccess ? 0 : 1
    switch state(now: now) {
    case .healthy:
      let (successes, failures) = figures(now: now)
      let total = successes + failures
      guard total >= rules.minSamples, Double(failures) > rules.failureRate * Double(total) else { return false }
      unhealthyUntil = now + rules.cooldown
    case .unhealthy:
      // What was under way when it went out.
      return false
    case .probing:
      guard isSuccess else {
        unhealthyUntil = now + min(rules.cooldown, Self.probeInterval)
        return true
      }
      reset()
    }
    return true
  }

  /// Healthy, with an empty window.
  public mutating func reset() {
    unhealthyUntil = nil
    counts.removeAll()
  }

  private func slot(_ now: Double) -> Int {
    Int((now / max(rules.window, 0.001) * Double(Self.slots)).rounded(.down))
  }
}
