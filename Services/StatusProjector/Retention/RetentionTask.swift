import Logging
import Postgres
import ServiceKit

/// Redacts and drops what is old, now and then, as long as this projector leads.
struct RetentionTask: Sendable {
  let store: ProjectionStore
  let settings: RetentionSettings
  let logger: Logger

  /// Between two rounds.
  private static let interval = Duration.seconds(600)
  /// Between two steps, so that the fold is never held off for long.
  private static let pause = Duration.milliseconds(250)

  /// - Throws: `ProjectionStore.Deposed`, `CancellationError`.
  func run() async throws {
    while true {
      do {
        try await round()
      } catch let error as PostgresError where error.code != .cancelled {
        logger.warning("old messages not taken out", metadata: [LogKey.error: "\(error)"])
      }
      try await Task.sleep(for: Self.interval)
    }
  }

  private func round() async throws {
    let redacted = try await repeating { try await store.redact(afterDays: settings.redactAfter) }
    let dropped = try await repeating { try await store.drop(afterDays: settings.dropAfter) }
    try await store.dropThroughput(afterDays: settings.dropAfter)
    guard redacted + dropped > 0 else { return }
    logger.info("old messages taken out", metadata: ["redacted": "\(redacted)", "dropped": "\(dropped)"])
  }

  private func repeating(_ step: () async throws -> Int) async throws -> Int {
    var total = 0
    while true {
      let count = try await step()
      guard count > 0 else { return total }
      total += count
      try await Task.sleep(for: Self.pause)
    }
  }
}
