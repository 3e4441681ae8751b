/// Whether a provider works: a sliding window of its outcomes, a pause when too many fail, or many in a row, then one
/// probe at a time.
///
/// `accepted` and `rejected` are successes, `retryable` and `unknown` are failures, the others do not count. While
/// attempts fail before their first byte, probes cost nothing and begin soon. After a run of failures at a provider that had
/// worked they begin soon too, since it may have been restarted; but a probe that was written may have arrived, so each
/// that fails doubles the time to the next. Times are seconds of one clock.
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

  /// A failed probe is followed by the next after so many seconds, or twice as many for each that was written; at most
  /// after the cooldown.
  static let probeInterval = 10.0
  /// So many failures before the first byte in a row: it cannot be reached at all.
  private static let unsentRunLimit = 5
  private static let slots = 30

  public var rules: Rules
  private var unhealthyUntil: Double?
  /// Successes and failures by slot of the window; a slot is a thirtieth of it.
  private var counts: [Int: (successes: Int, failures: Int)] = [:]

  /// Failures since the last success.
  private var run = 0
  private var lastFailureAt = -Double.infinity
  /// The last ones of them that failed before the first byte.
  private var unsentRun = 0
  /// Probes in a row that were written and failed.
  private var writtenProbes = 0

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
  /// - Parameters:
  ///   - isUnsent: A failure before the first byte.
  ///   - credit: SMS that may be outstanding: a run of failures as long as that is the end, but no shorter one than
  ///     `minSamples`, since all may have been under way when the provider stopped.
  /// - Returns: Whether the state changed.
  public mutating func note(isSuccess: Bool, isUnsent: Bool = false, credit: Int = 0, now: Double) -> Bool {
    let slot = slot(now)
    if counts[slot] == nil { counts = counts.filter { $0.key > slot - Self.slots && $0.key <= slot } }
    counts[slot, default: (0, 0)].successes += isSuccess ? 1 : 0
    counts[slot, default: (0, 0)].failures += isSuccess ? 0 : 1
    if isSuccess {
      (run, unsentRun) = (0, 0)
    } else {
      if now - lastFailureAt > rules.window { (run, unsentRun) = (0, 0) }
      lastFailureAt = now
      run += 1
      unsentRun = isUnsent ? unsentRun + 1 : 0
    }
    switch state(now: now) {
    case .healthy:
      let (successes, failures) = figures(now: now)
      let total = successes + failures
      let isAboveRate = total >= rules.minSamples && Double(failures) > rules.failureRate * Double(total)
      guard !isSuccess, isAboveRate || run >= max(rules.minSamples, credit) else { return false }
      let isSoon = !isAboveRate || unsentRun >= Self.unsentRunLimit
      unhealthyUntil = now + (isSoon ? min(rules.cooldown, Self.probeInterval) : rules.cooldown)
    case .unhealthy:
      // What was under way when it went out.
      return false
    case .probing:
      guard isSuccess else {
        unhealthyUntil = now + min(rules.cooldown, Self.probeInterval * Double(1 << min(writtenProbes, 10)))
        writtenProbes += isUnsent ? 0 : 1
        return true
      }
      reset()
    }
    return true
  }

  /// Healthy, with an empty window.
  public mutating func reset() {
    unhealthyUntil = nil
    (run, unsentRun, writtenProbes) = (0, 0, 0)
    counts.removeAll()
  }

  private func slot(_ now: Double) -> Int {
    Int((now / max(rules.window, 0.001) * Double(Self.slots)).rounded(.down))
  }
}
