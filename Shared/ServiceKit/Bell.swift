import NIOConcurrencyHelpers

/// Wakes one waiting loop: by a ring, at an instant, or by cancellation. A ring before the wait is not lost.
public final class Bell: Sendable {
  private struct State {
    var isRung = false
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = NIOLockedValueBox(State())

  public init() {}

  /// Ends the wait, or the next one.
  public func ring() {
    let waiter = state.withLockedValue { state in
      defer { state.waiter = nil }
      state.isRung = state.waiter == nil
      return state.waiter
    }
    waiter?.resume()
  }

  /// Waits for a ring, at most until this instant. One waiter at a time.
  public func wait(until deadline: ContinuousClock.Instant) async {
    let timer = Task {
      try await Task.sleep(until: deadline, clock: .continuous)
      ring()
    }
    defer { timer.cancel() }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isRung = state.withLockedValue { state in
          if state.isRung || Task.isCancelled {
            state.isRung = false
            return true
          }
          state.waiter = continuation
          return false
        }
        if isRung { continuation.resume() }
      }
    } onCancel: {
      ring()
    }
  }
}
