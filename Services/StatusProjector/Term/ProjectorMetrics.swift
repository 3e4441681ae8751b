import Contracts
import CoreMetrics
import ServiceKit

/// What the projector tells of itself.
struct ProjectorMetrics: Sendable {
  private let facts = Counter(label: "sluice_projector_facts_total")
  private let units = Counter(label: "sluice_projector_units_total")
  private let poison = Counter(label: "sluice_projector_poison_total")
  private let batch = Recorder(label: "sluice_projector_batch_facts")
  private let lag = Gauge(label: "sluice_projector_lag_seconds")
  private let logTime = Gauge(label: "sluice_projector_log_time_seconds")
  private let leading = Gauge(label: "sluice_projector_leading")

  init(registry: PrometheusMetrics = .shared) {
    registry.describe([
      "sluice_projector_facts_total": "Facts folded. Its rate follows what the other services say.",
      "sluice_projector_units_total": "Units merged into the tables, after folding repeats within a batch.",
      "sluice_projector_poison_total":
        "Facts set aside. Anything but 0: some program says what no contract knows; see the dead letters.",
      "sluice_projector_batch_facts":
        "Facts per transaction. At its limit of 500 for long: the projector catches up, or PostgreSQL is slow.",
      "sluice_projector_lag_seconds":
        "From the saying of the newest fact to its commit. Above 1 for long: readers see old states. Stays as it is "
        + "while nothing is said.",
      "sluice_projector_log_time_seconds":
        "When the newest folded fact was said, in Unix seconds. Shows a projector that stands still.",
      "sluice_projector_leading": "1 while this instance folds, 0 while it stands by. Their sum should be 1.",
    ])
    leading.record(0)
  }

  func folded(_ folded: FoldedBatch, facts count: Int) {
    facts.increment(by: count)
    units.increment(by: folded.units.count)
    batch.record(count)
    if let newest = folded.logTime {
      lag.record((Timestamp.now() - newest) / .seconds(1))
      logTime.record(Double(newest.microseconds) / 1_000_000)
    }
  }

  func poisoned() { poison.increment() }

  func leads(_ isLeading: Bool) { leading.record(isLeading ? 1 : 0) }
}
