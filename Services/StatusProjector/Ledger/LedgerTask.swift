import Logging
import Postgres
import ServiceKit

/// Looks every few seconds whether everything adds up, as long as this projector leads.
struct LedgerTask: Sendable {
  let pool: PostgresPool
  let metrics: LedgerMetrics
  let logger: Logger
  var interval = Duration.seconds(5)

  /// - Throws: `CancellationError` alone: a database that is away ends the fold, not this.
  func run() async throws {
    var alarm = LedgerAlarm()
    let start = ContinuousClock.now
    defer { metrics.nothing() }
    while true {
      do {
        let report = try await LedgerReport.read(pool)
        for news in alarm.take(report) { tell(news) }
        metrics.checked(report, errors: alarm.errors, since: start)
      } catch let error as PostgresError where error.code != .cancelled {
        logger.warning("the ledger cannot be read", metadata: [LogKey.error: "\(error)"])
      }
      try await Task.sleep(for: interval)
    }
  }

  private func tell(_ news: LedgerAlarm.News) {
    switch news {
    case .raised(let finding):
      logger.error(
        "the ledger does not balance",
        metadata: [
          LogKey.reason: "\(finding.name)", LogKey.count: "\(max(finding.messages, finding.sms))",
          LogKey.messageID: .array(finding.messageIDs.map { "\($0.uuidString.lowercased())" }),
        ])
    case .cleared(let name):
      logger.notice("the ledger balances again", metadata: [LogKey.reason: "\(name)"])
    }
  }
}
