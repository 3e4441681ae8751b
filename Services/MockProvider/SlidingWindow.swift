import DequeModule

/// Counts arrivals in the window that ends with the newest one.
struct SlidingWindow: Sendable {
  private(set) var lengthNs: Int64
  /// The most arrivals that any window so far held.
  private(set) var highest = 0
  private var times = Deque<Int64>()

  init(lengthNs: Int64) { self.lengthNs = lengthNs }

  /// Adds an arrival.
  ///
  /// Two arrivals exactly one window apart are in different windows: with a limit of N, `a[i] - a[i-N] >= window` holds
  /// for every i if and only if no call returns more than N.
  /// - Returns: How many arrivals the window then holds, with this one.
  mutating func arrive(at monotonicNs: Int64) -> Int {
    drop(until: monotonicNs)
    times.append(monotonicNs)
    highest = max(highest, times.count)
    return times.count
  }

  /// Changes the length and keeps the arrivals that are still known.
  mutating func resize(to lengthNs: Int64) { self.lengthNs = lengthNs }

  /// When the oldest arrival leaves the window, in nanoseconds after `monotonicNs`.
  func untilOldestLeaves(at monotonicNs: Int64) -> Int64 {
    guard let oldest = times.first else { return 0 }
    return max(0, oldest + lengthNs - monotonicNs)
  }

  private mutating func drop(until now: Int64) {
    while let oldest = times.first, now - oldest >= lengthNs { times.removeFirst() }
  }
}
