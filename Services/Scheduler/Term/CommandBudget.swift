/// How much of its time the leader's loop gives to commands.
///
/// A command may take long (a message of 10,000 recipients is paused, say), and any user may give many. The time that
/// commands took is paid back before the next one begins: they get a quarter of the loop's time and at most 0.2 s of it
/// at once, so the others' SMS go on. Pure.
struct CommandBudget: Sendable {
  /// No command begins later than this after the first one of its turn.
  static let turn = Duration.milliseconds(20)
  /// Of the time that passes, as much is available for commands.
  static let share = 0.25
  /// The most that is available at once.
  static let most = Duration.milliseconds(200)

  /// What was available at `updatedAt`; negative while a long command is being paid back.
  private var level = Self.most
  private var updatedAt: ContinuousClock.Instant

  init(now: ContinuousClock.Instant) { updatedAt = now }

  /// Whether a command may begin.
  func isOpen(now: ContinuousClock.Instant) -> Bool { available(now: now) > .zero }

  /// When the next command may begin.
  func opensAt(now: ContinuousClock.Instant) -> ContinuousClock.Instant {
    let level = available(now: now)
    // A microsecond more, so that it is open then and not just about to be.
    return level > .zero ? now : now + (.zero - level) / Self.share + .microseconds(1)
  }

  /// Takes the time that commands took.
  mutating func spend(_ time: Duration, now: ContinuousClock.Instant) {
    level = available(now: now) - time
    updatedAt = now
  }

  private func available(now: ContinuousClock.Instant) -> Duration {
    min(Self.most, level + updatedAt.duration(to: now) * Self.share)
  }
}
