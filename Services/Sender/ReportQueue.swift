import Contracts
import Logging
import NIOConcurrencyHelpers
import ServiceKit
import ServiceLifecycle

/// Attempts whose endings are in the ledger and have to be told to the scheduler; what comes meanwhile goes with the next.
///
/// A report that is lost with the process is found again in the ledger.
final class ReportQueue: Service, Sendable {
  private let reporter: OutcomeReporter
  private let logger: Logger
  private let waiting = NIOLockedValueBox<[AttemptID]>([])
  /// As many in one report: with 2 KiB of reply each it is far below what the broker takes.
  private static let limit = 512
  private let arrivals: AsyncStream<Void>
  private let arrived: AsyncStream<Void>.Continuation

  init(reporter: OutcomeReporter, logger: Logger) {
    self.reporter = reporter
    self.logger = logger
    (arrivals, arrived) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  func add(_ attempts: [AttemptID]) {
    guard !attempts.isEmpty else { return }
    waiting.withLockedValue { $0 += attempts }
    arrived.yield()
  }

  /// Reports until the shutdown, and then once more what is there, for a moment.
  func run() async throws {
    await cancelWhenGracefulShutdown {
      for await _ in self.arrivals { await self.reportAll() }
    }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.reportAll() }
      // Whatever is not reported by then is in the ledger.
      group.addTask { try? await Task.sleep(for: .seconds(2)) }
      await group.next()
      group.cancelAll()
    }
  }

  private func reportAll() async {
    while !Task.isCancelled {
      let attempts = waiting.withLockedValue { waiting in
        let next = Array(waiting.prefix(Self.limit))
        waiting.removeFirst(next.count)
        return next
      }
      guard !attempts.isEmpty else { return }
      do {
        try await reporter.report(attempts)
      } catch {
        // The orphan watch finds them in the ledger.
        logger.warning("outcomes not reported yet", metadata: [LogKey.error: "\(error)"])
      }
    }
  }
}
