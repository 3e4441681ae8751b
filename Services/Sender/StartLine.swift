import NIOConcurrencyHelpers

/// Counts the claimed requests whose first byte is not written yet, so that a lane claims no more than it can begin.
///
/// A claim that is not begun in time loses its slot. Callable from any thread; one caller waits at a time.
final class StartLine: Sendable {
  private struct State {
    var waiting = 0
    var limit = 0
    var lane: CheckedContinuation<Void, Never>?
  }

  private let state = NIOLockedValueBox(State())

  /// Requests that were claimed and have not begun.
  var count: Int { state.withLockedValue { $0.waiting } }

  /// A request was claimed.
  func enter() { state.withLockedValue { $0.waiting += 1 } }

  /// A request has begun, or ended without having begun.
  func leave() {
    let lane = state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
      state.waiting -= 1
      guard state.waiting < state.limit, let lane = state.lane else { return nil }
      state.lane = nil
      return lane
    }
    lane?.resume()
  }

  /// Returns when fewer requests than this have not begun. Each begins or ends within its time-out, so it does return.
  func whenFewer(than limit: Int) async {
    await withCheckedContinuation { continuation in
      let isDone = state.withLockedValue { state in
        guard state.waiting >= limit else { return true }
        state.limit = limit
        state.lane = continuation
        return false
      }
      if isDone { continuation.resume() }
    }
  }
}
