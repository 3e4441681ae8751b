import NIOConcurrencyHelpers

/// Work that must not take longer.
enum TimeLimit {
  /// The time is up.
  struct Passed: Error {}

  /// Cancels the work when the time is up, and does not wait for its end.
  /// - Throws: `Passed`, `CancellationError`, or what the work throws.
  static func run<Result: Sendable>(
    _ limit: Duration, _ work: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let race = Race<Result>()
    let job = Task {
      do {
        race.end(.success(try await work()))
      } catch {
        race.end(.failure(error))
      }
    }
    let timer = Task {
      try await Task.sleep(for: limit)
      race.end(.failure(Passed()))
    }
    defer {
      job.cancel()
      timer.cancel()
    }
    return try await withTaskCancellationHandler {
      try await race.value
    } onCancel: {
      race.end(.failure(CancellationError()))
    }
  }
}

/// The first of several ends counts.
private final class Race<Value: Sendable>: Sendable {
  private enum State {
    case open
    case awaited(CheckedContinuation<Value, any Error>)
    case ended(Result<Value, any Error>)
  }

  private let state = NIOLockedValueBox(State.open)

  func end(_ result: Result<Value, any Error>) {
    let waiter = state.withLockedValue { state -> CheckedContinuation<Value, any Error>? in
      switch state {
      case .open:
        state = .ended(result)
        return nil
      case .awaited(let waiter):
        state = .ended(result)
        return waiter
      case .ended: return nil
      }
    }
    waiter?.resume(with: result)
  }

  /// For one caller.
  var value: Value {
    get async throws {
      try await withCheckedThrowingContinuation { continuation in
        let result = state.withLockedValue { state -> Result<Value, any Error>? in
          if case .ended(let result) = state { return result }
          state = .awaited(continuation)
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    }
  }
}
