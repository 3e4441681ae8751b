import NIOConcurrencyHelpers

/// Whether the database answered the last time it was used.
final class Reachability: Sendable {
  private struct State {
    var isReachable: Bool?
    var lastUse: ContinuousClock.Instant?
  }

  private let state = NIOLockedValueBox(State())

  /// False before the first use.
  var isReachable: Bool { state.withLockedValue { $0.isReachable ?? false } }

  /// Notes the end of a use; true when that changes what is known.
  func note(_ isReachable: Bool) -> Bool {
    state.withLockedValue { state in
      defer { state = State(isReachable: isReachable, lastUse: .now) }
      return state.isReachable != isReachable
    }
  }

  /// Whether the database was used lately.
  func wasUsed(within duration: Duration) -> Bool {
    state.withLockedValue { $0.lastUse.map { ContinuousClock.now - $0 <= duration } ?? false }
  }
}
