/// When the scheduler counts its tables for the ledger. Pure.
///
/// One count at a time, and never more than a twentieth of the time spent counting.
struct LedgerSchedule: Sendable {
  static let interval = Duration.seconds(10)
  /// From the beginning of a term to its first count.
  static let delay = Duration.seconds(5)

  private var next: ContinuousClock.Instant
  private var beganAt: ContinuousClock.Instant?

  init(now: ContinuousClock.Instant) { next = now + Self.delay }

  /// Begins a count if it is time for one and none is under way.
  mutating func begin(now: ContinuousClock.Instant) -> Bool {
    guard beganAt == nil, now >= next else { return false }
    beganAt = now
    return true
  }

  /// The count has its mark: what it waited for until now was no work.
  mutating func mark(now: ContinuousClock.Instant) {
    if beganAt != nil { beganAt = now }
  }

  /// The count has ended, whether or not it came to a result.
  mutating func end(now: ContinuousClock.Instant) {
    guard let beganAt else { return }
    self.beganAt = nil
    next = beganAt + max(Self.interval, beganAt.duration(to: now) * 20)
  }
}
