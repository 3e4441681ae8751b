/// A provider's rate after it has said that it gets too much: halved once an episode, growing back by itself.
///
/// An episode is everything that was begun before the last halving: its answers do not halve again. 5 % of the nominal
/// rate come back every 30 s. Times are seconds of one clock.
public struct AdaptiveRate: Sendable, Hashable {
  /// SMS a second; a provider is never asked more rarely.
  public static let floor = 0.1

  /// The last halving: the rate that it led to, and when it was.
  public struct Halving: Sendable, Hashable {
    public var rate: Double
    public var at: Double

    public init(rate: Double, at: Double) {
      self.rate = rate
      self.at = at
    }
  }

  /// SMS a second that the limit allows.
  public var nominal: Double
  /// `nil` while the rate is the nominal one.
  public private(set) var halving: Halving?
  /// True when a request that was begun after the last halving has been accepted: the rate as it is does.
  private var hasProved = false

  public init(nominal: Double, halving: Halving? = nil) {
    self.nominal = nominal
    self.halving = halving
  }

  /// SMS a second, now.
  public func rate(now: Double) -> Double {
    guard let halving else { return nominal }
    let steps = max(0, (now - halving.at) / 30).rounded(.down)
    return max(min(Self.floor, nominal), min(nominal, halving.rate + steps * 0.05 * nominal))
  }

  /// The provider answered that it gets too much.
  /// - Parameters:
  ///   - startedAt: When the request was begun.
  ///   - isRepeat: The same SMS has been throttled before. When others were accepted meanwhile it is that number's own
  ///     limit, and nobody else is slowed down for it.
  /// - Returns: Whether the rate was halved.
  public mutating func throttled(startedAt: Double, isRepeat: Bool, now: Double) -> Bool {
    if let halving, startedAt < halving.at { return false }
    if isRepeat, hasProved { return false }
    halving = Halving(rate: max(min(Self.floor, nominal), rate(now: now) / 2), at: now)
    hasProved = false
    return true
  }

  /// The provider took an SMS.
  public mutating func accepted(startedAt: Double) {
    if halving.map({ startedAt >= $0.at }) ?? true { hasProved = true }
  }

  /// Back to the nominal rate.
  public mutating func reset() {
    halving = nil
    hasProved = false
  }
}
