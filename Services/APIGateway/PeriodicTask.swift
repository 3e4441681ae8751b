import Logging
import ServiceKit
import ServiceLifecycle

/// Work that is done now and then, until the service stops.
///
/// What fails is done the next time; of a row of failures the first is logged.
struct PeriodicTask: Service {
  /// From one end to the next beginning, and before the first: the tables may not be there yet.
  let interval: Duration
  /// How long the work may take once more at a stop; nil for work that can wait for the next start.
  let lastTime: Duration?
  let failure: Logger.Message
  let logger: Logger
  let work: @Sendable () async throws -> Void

  /// - Parameter failure: What the log says when the work fails.
  init(
    every interval: Duration, atStop lastTime: Duration? = nil, failure: Logger.Message, logger: Logger,
    _ work: @escaping @Sendable () async throws -> Void
  ) {
    self.interval = interval
    self.lastTime = lastTime
    self.failure = failure
    self.logger = logger
    self.work = work
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var isFailing = false
      while true {
        do {
          try await Task.sleep(for: interval)
          try await work()
          isFailing = false
        } catch {
          if Task.isCancelled { return }
          if !isFailing { logger.warning(failure, metadata: [LogKey.error: "\(error)"]) }
          isFailing = true
        }
      }
    }
    if let lastTime { try? await TimeLimit.run(lastTime, work) }
  }
}
