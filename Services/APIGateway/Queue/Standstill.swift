import Contracts
import Metering

/// Why a message that is due does not go, however short the queue: somebody has to let it go on first.
enum Standstill: Sendable {
  case sendingStopped
  case userPaused
  case providerPaused

  /// - Returns: `nil` when it can go, or when nothing is known of the queue, or only what was so long ago.
  init?(_ message: MessageAccepted, in snapshot: QueueSnapshot, now: Timestamp) {
    guard let asOf = snapshot.asOf, now - asOf < Placement.patience else { return nil }
    let usable = snapshot.providerPaces.filter { pace in
      if let pinned = message.provider { return pace.provider == pinned }
      return message.providers?.contains(pace.provider) ?? true
    }
    if !snapshot.isSending {
      self = .sendingStopped
    } else if snapshot.pausedUsers.contains(message.userID) {
      self = .userPaused
    } else if !usable.isEmpty, usable.allSatisfy({ $0.state == "paused" }) {
      self = .providerPaused
    } else {
      return nil
    }
  }

  /// For the caller of the API.
  var sentence: String {
    switch self {
    case .sendingStopped: "All sending is stopped"
    case .userPaused: "Your messages are paused"
    case .providerPaused: "The provider is paused"
    }
  }
}
