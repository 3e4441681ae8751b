/// When a stream that could not show something tells its client to load everything anew. Pure.
///
/// Whatever keeps owners from being found hides the same events from all users' streams. What they do about it must not
/// come all at once, and must become rarer the longer that lasts: each load is work for a read side that is behind.
struct ReloadPace: Sendable {
  /// From the miss to the first look, and between two looks; up to three times as much, as chance has it.
  private let delay: Duration
  /// Between two loads at first, and once it has grown; up to half more, as chance has it.
  private let pause: (first: Duration, last: Duration)
  private var grown: Duration?
  private var loadedAt: ContinuousClock.Instant?
  /// When to look again at what was missed.
  private(set) var due: ContinuousClock.Instant?

  init(delay: Duration, firstPause: Duration, lastPause: Duration) {
    self.delay = delay
    pause = (firstPause, lastPause)
  }

  /// Something was missed, now or earlier.
  /// - Parameter chance: From 0 to 1, another one for each stream and time.
  mutating func miss(now: ContinuousClock.Instant, chance: Double) {
    guard due == nil else { return }
    let soon = now + delay * (1 + 2 * chance)
    guard let loadedAt, let grown else { return due = soon }
    if now - loadedAt > grown * 2 { self.grown = nil }
    due = max(soon, loadedAt + grown * (1 + chance / 2))
  }

  func isDue(now: ContinuousClock.Instant) -> Bool { due.map { now >= $0 } ?? false }

  /// To load now would be in vain.
  mutating func postpone(now: ContinuousClock.Instant, chance: Double) { due = now + delay * (1 + 2 * chance) }

  /// Nothing was missed after all, or the client loads everything for another reason.
  mutating func settle() { due = nil }

  /// The client is told to load everything.
  mutating func load(now: ContinuousClock.Instant) {
    grown = grown.map { min($0 * 2, pause.last) } ?? pause.first
    loadedAt = now
    due = nil
  }
}
