/// The rate at which a provider really took SMS while there was a backlog.
struct MeasuredUse: Sendable {
  /// Seconds after which what was measured says nothing of the next backlog.
  static let memory = 60.0

  private var since: Double?
  private var count = 0
  /// The end of the last stretch.
  private var measuredAt = 0.0
  /// SMS a second over the last stretches; `nil` before the first of at least ten seconds, and long after the last.
  private(set) var rate: Double?

  mutating func note(_ sent: Int, now: Double, isBacklogged: Bool) {
    if !isBacklogged { since = nil }
    if since == nil, now - measuredAt > Self.memory { rate = nil }
    guard isBacklogged else { return }
    guard let start = since else {
      since = now
      count = 0
      return
    }
    count += sent
    let seconds = now - start
    guard seconds >= 10 else { return }
    let measured = Double(count) / seconds
    rate = rate.map { $0 + (measured - $0) * 0.5 } ?? measured
    measuredAt = now
    since = now
    count = 0
  }
}

/// How many happened in the last second, to a tenth of a second.
struct RecentCount: Sendable {
  private var counts: [Int: Int] = [:]

  mutating func note(now: Double) {
    let slot = Int((now * 10).rounded(.down))
    if counts[slot] == nil { counts = counts.filter { $0.key > slot - 10 } }
    counts[slot, default: 0] += 1
  }

  func count(now: Double) -> Int {
    let slot = Int((now * 10).rounded(.down))
    return counts.reduce(0) { $0 + ($1.key > slot - 10 && $1.key <= slot ? $1.value : 0) }
  }
}
