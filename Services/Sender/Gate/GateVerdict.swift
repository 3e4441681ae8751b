import Contracts

/// What the gate says to one attempt.
enum GateVerdict: Sendable, Hashable {
  /// It may be sent, once, within its claim limit. The time is PostgreSQL's.
  case claimed(at: Timestamp)
  /// The window is full for so long.
  case wait(Duration)
  /// Its lease has run out; it must not be sent.
  case expired
  /// It was sent before and its outcome is known.
  case finished
  /// Another sender, or this one, is sending it.
  case inFlight
}

extension GateVerdict {
  var isClaimed: Bool {
    switch self {
    case .claimed: true
    case .wait, .expired, .finished, .inFlight: false
    }
  }

  /// Reads a row of `sender.claim`.
  /// - Returns: `nil` for a verdict this version does not know.
  init?(verdict: String, at: Timestamp, now: Timestamp) {
    switch verdict {
    case "claimed": self = .claimed(at: at)
    case "wait": self = .wait(at - now)
    case "expired": self = .expired
    case "finished": self = .finished
    case "in_flight": self = .inFlight
    default: return nil
    }
  }
}
