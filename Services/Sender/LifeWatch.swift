import Logging
import ServiceKit
import ServiceLifecycle

/// Gives this sender's sign of life, and sees to what senders that are gone have claimed.
///
/// It goes on until the last answer in flight has been written.
struct LifeWatch: Service {
  var lives: Lives
  var reports: ReportQueue
  var logger: Logger
  var interval = Duration.milliseconds(500)

  func run() async throws {
    var others = SilentLives()
    while !Task.isShuttingDownGracefully, !Task.isCancelled {
      do {
        let now = ContinuousClock.now
        let silent = others.look(try await lives.beat(), now: now)
        let orphans = try await lives.end(silent)
        if !orphans.isEmpty {
          logger.warning("claims of a gone sender taken over", metadata: [LogKey.count: "\(orphans.count)"])
          reports.add(orphans)
        }
      } catch {
        logger.warning("no sign of life given, trying again", metadata: [LogKey.error: "\(error)"])
      }
      // Ended early only by shutdown, which the loop sees.
      try? await cancelWhenGracefulShutdown { try await Task.sleep(for: interval) }
    }
    do {
      try await lives.leave()
    } catch {
      logger.info("this life stays in the table", metadata: [LogKey.error: "\(error)"])
    }
  }
}

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
