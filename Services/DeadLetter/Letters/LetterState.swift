import Contracts

/// What may still happen to a letter.
///
/// ```
/// pending ──replay──> replaying ──> retried
///    └──────────────────┴──> retried | abandoned | settled     (the scheduler says what became of the unit)
/// ```
enum LetterState: String, Codable, Sendable, CaseIterable {
  /// Waits for somebody to decide.
  case pending
  /// A replay is ordered and not yet answered.
  case replaying
  /// The unit went back to the queue.
  case retried
  /// Given up.
  case abandoned
  /// It is known by now whether the SMS went out.
  case settled

  /// Why the scheduler says that a letter is closed.
  enum CloseReason: String, Sendable, CaseIterable {
    case lateAnswer = "late_answer"
    case replayed
    case retryFailed = "retry_failed"
    case abandoned
    case settled
  }

  /// The state of a letter that was closed for this reason.
  init(closedFor reason: CloseReason) {
    self =
      switch reason {
      case .lateAnswer, .settled: .settled
      case .replayed, .retryFailed: .retried
      case .abandoned: .abandoned
      }
  }
}
