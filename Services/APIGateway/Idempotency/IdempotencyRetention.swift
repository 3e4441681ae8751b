/// Drops old idempotency keys.
struct IdempotencyRetention {
  let store: IdempotencyStore
  let days: Int
  /// Keys of one step.
  var step = 1_000

  /// Between two steps.
  private static let pause = Duration.milliseconds(250)

  /// - Returns: How many were dropped.
  @discardableResult
  func round() async throws -> Int {
    var total = 0
    while true {
      let count = try await store.drop(afterDays: days, limit: step)
      total += count
      guard count == step else { return total }
      try await Task.sleep(for: Self.pause)
    }
  }
}
