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
