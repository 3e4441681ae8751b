/// How many SMS may be outstanding at one provider's senders: enough to keep the gate busy, no more.
///
/// What is outstanding can no longer be re-ordered, cancelled or expired, and a dead sender parks it, so it is kept to
/// `max(2, ⌈rate × (usual latency + 0.25 s)⌉)`.
public struct SendCredit: Sendable {
  /// Seconds; a longer answer counts as this long. However slowly a provider answers, what it would swallow if it stopped
  /// stays bounded.
  public static let longest = 5.0

  /// Seconds between claim and answer, as usually seen.
  public private(set) var latency = 0.0
  /// SMS that were issued and not reported back.
  public private(set) var outstanding = 0

  public init() {}

  /// The most that may be outstanding at this rate (SMS a second).
  public func limit(rate: Double) -> Int { max(2, Int((rate * (latency + 0.25)).rounded(.up))) }

  /// How many more may be issued.
  public func room(rate: Double) -> Int { max(0, limit(rate: rate) - outstanding) }

  public mutating func issue(_ count: Int) { outstanding += count }

  public mutating func settle(_ count: Int) { outstanding = max(0, outstanding - count) }

  /// Learns from an answer: an exponentially weighted mean over about ten answers. A time-out is no answer.
  public mutating func learn(latency seconds: Double) {
    guard seconds >= 0 else { return }
    latency += (min(seconds, Self.longest) - latency) * 0.1
  }
}
