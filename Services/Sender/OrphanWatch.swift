import Logging
import ServiceKit
import ServiceLifecycle

/// Reports outcomes that nobody has reported: those of senders that are gone, and those whose reports failed.
struct OrphanWatch: Service {
  var reporter: OutcomeReporter
  var logger: Logger

  func run() async throws {
    var isFirst = true
    while !Task.isShuttingDownGracefully, !Task.isCancelled {
      do {
        // At the start everything is reported at once; later only what its writer left lying for 5 s.
        let age: Duration = isFirst ? .zero : .seconds(5)
        try await cancelWhenGracefulShutdown {
          while try await reporter.reportLeftovers(olderThan: age) > 0 {}
        }
        isFirst = false
      } catch {
        logger.warning("outcomes left behind not reported, trying again", metadata: [LogKey.error: "\(error)"])
      }
      // Ended early only by shutdown, which the loop sees.
      try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(2)) }
    }
  }
}
