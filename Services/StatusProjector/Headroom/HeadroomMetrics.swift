import CoreMetrics
import ServiceKit

/// How near the log's end is.
struct HeadroomMetrics: Sendable {
  private let headroom = Gauge(label: "sluice_projector_log_headroom_seconds")
  private let lost = Gauge(label: "sluice_projector_log_lost_facts")

  init(registry: PrometheusMetrics = .shared) {
    registry.describe([
      "sluice_projector_log_headroom_seconds":
        "How much newer the tables are than the log's first fact. Below a day: the projector is far behind, or the log "
        + "is cut by its size; enlarge it (policy of events.log) before facts are lost.",
      "sluice_projector_log_lost_facts":
        "Facts that were deleted from the log before they were folded, as of the last look. Not 0: what they told is "
        + "missing in the read tables for good; the ledger names the messages.",
    ])
  }

  func measured(_ measured: LogHeadroom) {
    headroom.record(measured.duration / .seconds(1))
    lost.record(Double(measured.lostFacts))
  }
}
