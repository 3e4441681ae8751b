import Logging
import Postgres
import ServiceKit
import ServiceLifecycle

/// Drops old idempotency keys, now and then.
struct IdempotencyRetention: Service {
  let store: IdempotencyStore
  let days: Int
  let logger: Logger
  /// Keys of one step.
  var step = 1_000

  /// Between two rounds.
  private static let interval = Duration.seconds(600)
  /// Between two steps.
  private static let pause = Duration.milliseconds(250)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      do {
        while true {
          // The first round comes later: the tables may not be there yet.
          try await Task.sleep(for: Self.interval)
          do {
            try await round()
          } catch let error as PostgresError where error.code != .cancelled {
            logger.warning("Old idempotency keys were not dropped", metadata: [LogKey.error: "\(error)"])
          }
        }
      } catch {
        // Cancelled.
      }
    }
  }

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
