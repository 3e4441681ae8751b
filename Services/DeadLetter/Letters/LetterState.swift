import Contracts

/// What may still happen to a letter. An SMS has at most one that is open, which goes on with it from death to death.
///
/// ```
/// pending ──replay──> replaying ──the SMS is sent──> retried
///    │ ↑                  │ │ └──failed──> settled   └ expired, cancelled ──> abandoned
///    │ └─refused, or dead─┘ │
///    │      or unconfirmed  │
///    │      again           │
///    └──────────────────────┴──> retried | abandoned | settled     (somebody else was first: the scheduler says what)
/// ```
enum LetterState: String, Codable, Sendable, CaseIterable {
  /// Waits for somebody to decide.
  case pending
  /// A replay is ordered, and its SMS has not ended yet.
  case replaying
  /// The SMS was sent again, or waits again for another reason than a replay.
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

  /// The state of a letter for which the scheduler says this. A replayed one is open until its SMS has ended.
  init(closedFor reason: CloseReason) {
    self =
      switch reason {
      case .lateAnswer, .settled: .settled
      case .replayed: .replaying
      case .retryFailed: .retried
      case .abandoned: .abandoned
      }
  }
}

/// What the end of a replayed SMS means for its letter.
struct LetterEnd: Sendable {
  var state: LetterState
  /// Why it is closed; `nil` when it is not.
  var reason: String?

  /// - Returns: `nil` for a state that is no end.
  init?(_ unit: UnitState) {
    switch unit {
    case .sent: (state, reason) = (.retried, "replayed")
    case .failed: (state, reason) = (.settled, "rejected")
    case .expired: (state, reason) = (.abandoned, "expired")
    case .cancelled: (state, reason) = (.abandoned, "cancelled")
    case .dead, .unconfirmed: (state, reason) = (.pending, nil)
    case .pending, .sending, .retrying: return nil
    }
  }
}
