import NIOConcurrencyHelpers

/// Where the leader's loop stands still until a count has its snapshot.
///
/// A snapshot that comes after the loop has gone on is of no use: it would hold what was said after the mark.
final class LedgerCut: Sendable {
  private enum State {
    case awaited, taken, givenUp
  }

  private let state = NIOLockedValueBox(State.awaited)
  private let bell = Bell()

  /// The snapshot has been taken.
  /// - Returns: False when the loop has gone on without it.
  func take() -> Bool {
    let isInTime = state.withLockedValue { state in
      if state == .awaited { state = .taken }
      return state == .taken
    }
    bell.ring()
    return isInTime
  }

  /// There will be no snapshot.
  func giveUp() {
    state.withLockedValue { if $0 == .awaited { $0 = .givenUp } }
    bell.ring()
  }

  /// Returns when the snapshot has been taken or given up, or after the limit, which gives it up.
  func wait(atMost limit: Duration) async {
    await bell.wait(until: .now + limit)
    giveUp()
  }
}
