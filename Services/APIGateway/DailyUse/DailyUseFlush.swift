import Logging
import ServiceKit
import ServiceLifecycle

/// Counts, when the database is back, what was accepted meanwhile.
struct DailyUseFlush: Service {
  let use: DailyUse
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          try await Task.sleep(for: .seconds(2))
          try await use.flush()
        } catch is CancellationError {
          break
        } catch {
          logger.debug("Daily use could not be counted yet", metadata: [LogKey.error: "\(error)"])
        }
      }
    }
    // At a stop once more, as long as that takes no time; what is lost then is counted in the users' favour.
    try? await TimeLimit.run(.seconds(1)) { [use] in try await use.flush() }
  }
}
