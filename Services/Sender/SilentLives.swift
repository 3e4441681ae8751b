import Foundation

/// Which other senders have given no sign of life for 3 s, by this process's own clock. Pure.
///
/// Only time counts in which this process looked: after a pause, its own or the database's, the wait begins anew, since
/// nobody can have beaten, or nobody have seen it.
struct SilentLives: Sendable {
  /// How long a life that has claims may be silent.
  static let patience = Duration.seconds(3)
  /// Two looks that lie further apart are no watch.
  static let longestGap = Duration.milliseconds(1500)

  private var seen: [UUID: (beat: Int64, since: ContinuousClock.Instant)] = [:]
  private var lookedAt: ContinuousClock.Instant?

  /// Takes note of the other lives' beats.
  /// - Parameter now: When they were asked for.
  /// - Returns: Those that are silent, with their last beat.
  mutating func look(_ beats: [UUID: Int64], now: ContinuousClock.Instant) -> [UUID: Int64] {
    if lookedAt.map({ $0.duration(to: now) > Self.longestGap }) ?? true { seen = [:] }
    lookedAt = now
    var silent: [UUID: Int64] = [:]
    var next: [UUID: (beat: Int64, since: ContinuousClock.Instant)] = [:]
    for (life, beat) in beats {
      let since = seen[life].flatMap { $0.beat == beat ? $0.since : nil } ?? now
      next[life] = (beat, since)
      if since.duration(to: now) >= Self.patience { silent[life] = beat }
    }
    seen = next
    return silent
  }
}
