import Logging
import ServiceKit
import ServiceLifecycle

/// Sees to what senders that are gone have left: claims without an outcome, outcomes without a report.
struct OrphanWatch: Service {
  var gate: Gate
  var reporter: OutcomeReporter
  var logger: Logger

  func run() async throws {
    var isFirst = true
    while !Task.isShuttingDownGracefully, !Task.isCancelled {
      do {
        let orphans = try await gate.takeOverOrphans(ofSameName: isFirst)
        if orphans > 0 { logger.warning("claims of a gone sender taken over", metadata: ["count": "\(orphans)"]) }
        // At the start everything is reported at once; later only what its writer left lying for 5 s.
        let age: Duration = isFirst ? .zero : .seconds(5)
        try await cancelWhenGracefulShutdown {
          while try await reporter.reportLeftovers(olderThan: age) > 0 {}
        }
        isFirst = false
      } catch {
        logger.warning("orphans not seen to, trying again", metadata: ["error": "\(error)"])
      }
      // Ended early only by shutdown, which the loop sees.
      try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(2)) }
    }
  }
}
