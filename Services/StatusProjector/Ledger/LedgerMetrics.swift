import CoreMetrics
import ServiceKit

/// What the ledger tells of itself.
struct LedgerMetrics: Sendable {
  private let difference = Gauge(label: "sluice_ledger_difference_sms")
  private let unqueued = Gauge(label: "sluice_ledger_unqueued_messages")
  private let age = Gauge(label: "sluice_ledger_checked_seconds")
  private let errors = Gauge(label: "sluice_ledger_errors")

  init(registry: PrometheusMetrics = .shared) {
    registry.describe([
      "sluice_ledger_difference_sms":
        "SMS by which the scheduler's count and the read tables differ. Anything but 0 for a minute: a fact is missing; "
        + "projection.ledger_read names the messages.",
      "sluice_ledger_unqueued_messages":
        "Messages accepted more than 60 s ago that the scheduler has not queued. Not 0: the scheduler is away, or its "
        + "queue lost a binding (topology check).",
      "sluice_ledger_checked_seconds":
        "Age of the newest cut that was compared. Above 60: the scheduler does not count, or the projector is behind.",
      "sluice_ledger_errors": "Things that do not add up for more than 60 s. Should be 0; each is in the log with ids.",
    ])
    nothing()
  }

  /// - Parameter start: When this projector began to look: what was never compared has not been since then.
  func checked(_ report: LedgerReport, errors count: Int, since start: ContinuousClock.Instant) {
    difference.record(report.differingSMS)
    unqueued.record(report.unqueuedMessages)
    errors.record(count)
    age.record(max(.zero, report.comparedAgo ?? start.duration(to: .now)) / .seconds(1))
  }

  /// A stand-by checks nothing.
  func nothing() {
    for gauge in [difference, unqueued, age, errors] { gauge.record(0) }
  }
}
