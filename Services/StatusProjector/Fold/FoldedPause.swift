import Contracts

/// Whether something is held back: of what was said the latest is in force, and of two words of one time the pause.
struct FoldedPause: Sendable, Equatable {
  var isPaused: Bool
  var changedAt: Timestamp

  func isLater(than other: FoldedPause) -> Bool {
    changedAt == other.changedAt ? isPaused && !other.isPaused : changedAt > other.changedAt
  }
}
