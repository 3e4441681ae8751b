import NIOConcurrencyHelpers

/// A value that comes once; any number of tasks may wait for it.
final class OneShot<Value: Sendable>: Sendable {
  private enum State {
    case waiting([CheckedContinuation<Value, Never>])
    case fired(Value)
  }

  private let state = NIOLockedValueBox(State.waiting([]))

  /// Sets the value; only the first call counts.
  func fire(_ value: Value) {
    let waiting: [CheckedContinuation<Value, Never>] = state.withLockedValue { state in
      guard case .waiting(let continuations) = state else { return [] }
      state = .fired(value)
      return continuations
    }
    for continuation in waiting { continuation.resume(returning: value) }
  }

  /// The value, as soon as it is there. Cancellation does not end the wait: whoever fires must do so in time.
  func wait() async -> Value {
    await withCheckedContinuation { continuation in
      let value: Value? = state.withLockedValue { state in
        switch state {
        case .fired(let value): return value
        case .waiting(let continuations):
          state = .waiting(continuations + [continuation])
          return nil
        }
      }
      if let value { continuation.resume(returning: value) }
    }
  }
}
