import NIOConcurrencyHelpers

/// A doorbell: somebody waits for a while, or until it rings. A ring that nobody waits for is kept.
final class RefreshSignal: Sendable {
  private struct State {
    var hasRung = false
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = NIOLockedValueBox(State())

  func ring() {
    let waiter = state.withLockedValue { state in
      defer { state.waiter = nil }
      state.hasRung = state.waiter == nil
      return state.waiter
    }
    waiter?.resume()
  }

  /// Returns at a ring, after the time, or when the task is cancelled. One caller at a time.
  func wait(atMost limit: Duration) async {
    let timer = Task {
      // Cancelled when the ring came first.
      try? await Task.sleep(for: limit)
      if !Task.isCancelled { ring() }
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isDone = state.withLockedValue { state in
          if state.hasRung || Task.isCancelled {
            state.hasRung = false
            return true
          }
          state.waiter = continuation
          return false
        }
        if isDone { continuation.resume() }
      }
    } onCancel: {
      ring()
    }
    timer.cancel()
  }
}
