/// Work that must not take longer.
enum TimeLimit {
  /// The time is up.
  struct Passed: Error {}

  /// Cancels the work when the time is up.
  /// - Throws: `Passed`, or what the work throws.
  static func run<Result: Sendable>(
    _ limit: Duration, _ work: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    try await withThrowingTaskGroup(of: Result.self) { group in
      group.addTask { try await work() }
      group.addTask {
        try await Task.sleep(for: limit)
        throw Passed()
      }
      defer { group.cancelAll() }
      guard let first = try await group.next() else { throw Passed() }
      return first
    }
  }
}
