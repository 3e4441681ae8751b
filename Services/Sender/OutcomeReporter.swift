import AMQP
import Contracts
import Logging
import ServiceKit
import ServiceLifecycle

/// Tells the scheduler how attempts ended, until the broker has confirmed it.
struct OutcomeReporter: Sendable {
  var ledger: OutcomeLedger
  var publisher: AMQPPublisher
  var logger: Logger

  /// Reports attempts that have just ended.
  func report(_ attempts: [AttemptID]) async throws {
    try await publish(try await ledger.reports(of: attempts))
  }

  /// Reports whatever nobody has confirmed for this long: what a killed sender left behind.
  /// - Returns: How many attempts were reported.
  func reportLeftovers(olderThan age: Duration) async throws -> Int {
    let reports = try await ledger.unreported(olderThan: age)
    try await publish(reports)
    return reports.reduce(0) { $0 + $1.attempts.count }
  }

  /// Several providers' reports at once: none waits for another's confirm.
  private func publish(_ reports: [OutcomeLedger.Report]) async throws {
    try await withThrowingDiscardingTaskGroup { group in
      for report in reports { group.addTask { try await publish(report) } }
    }
  }

  private func publish(_ report: OutcomeLedger.Report) async throws {
    if !report.outcomes.isEmpty {
      let body = AttemptOutcomes(
        provider: report.provider, outcomes: report.outcomes, gateOpensAt: report.gateOpensAt)
      try await publisher.publish(Envelope(body), exchange: BrokerNames.commands)
    }
    if !report.expired.isEmpty {
      let body = SendsExpired(
        provider: report.provider, attempts: report.expired, gateOpensAt: report.gateOpensAt)
      try await publisher.publish(Envelope(body), exchange: BrokerNames.commands)
    }
    Failpoint.reach(.outcomeReported)
    try await ledger.markReported(report)
  }
}
