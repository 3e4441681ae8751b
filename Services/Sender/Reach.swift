/// Whether this sender reaches the providers that it is given SMS for. Pure.
///
/// Where every attempt of late failed before its first byte, the fault is likely here: then others had better send.
struct Reach: Sendable {
  /// So many attempts in a row without a byte written, at each provider that was tried of late, and it reaches nobody.
  static let run = 5
  /// What was tried longer ago says nothing.
  static let memory = Duration.seconds(60)

  private struct Tries: Sendable {
    var failures = 0
    var at: ContinuousClock.Instant
  }

  private var tries: [String: Tries] = [:]

  /// An attempt has ended.
  /// - Parameter isReached: At least a byte of it was written.
  mutating func note(_ provider: String, isReached: Bool, now: ContinuousClock.Instant) {
    tries[provider] = Tries(failures: isReached ? 0 : (tries[provider]?.failures ?? 0) + 1, at: now)
  }

  /// After a pause one attempt at each provider is enough to tell again.
  mutating func tryAgain() {
    tries = tries.mapValues { Tries(failures: min(Self.run - 1, $0.failures), at: $0.at) }
  }

  /// The last attempt at this provider failed before its first byte: the next go one by one.
  func isDoubtful(_ provider: String) -> Bool { (tries[provider]?.failures ?? 0) >= Self.run - 1 }

  func isCutOff(now: ContinuousClock.Instant) -> Bool {
    let recent = tries.values.filter { $0.at.duration(to: now) <= Self.memory }
    return !recent.isEmpty && recent.allSatisfy { $0.failures >= Self.run }
  }
}
