import Contracts
import NIOConcurrencyHelpers

/// Watches how far the read side has come, with one poll for all requests that wait for it.
///
/// It polls only while somebody waits.
actor ProgressWatch {
  private let read: @Sendable () async throws -> Timestamp?
  private let interval: Duration
  private var round: Task<Timestamp?, any Error>?

  init(interval: Duration = .milliseconds(30), read: @escaping @Sendable () async throws -> Timestamp?) {
    self.interval = interval
    self.read = read
  }

  /// The newest fact's time, as read at least one interval after the previous answer; shared by all callers.
  func next() async throws -> Timestamp? {
    if let round { return try await round.value }
    let task = Task { [read, interval] in
      try await Task.sleep(for: interval)
      return try await read()
    }
    round = task
    defer { round = nil }
    return try await task.value
  }
}
