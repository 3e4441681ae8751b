import Metrics
import NIOConcurrencyHelpers
import ServiceKit

/// What is measured of the event streams.
struct EventMetrics: Sendable {
  private let open = Gauge(label: "sluice_event_streams")
  private let count = NIOLockedValueBox(0)
  private let events = Counter(label: "sluice_event_stream_events_total")
  private let slow = Counter(label: "sluice_event_streams_slow_total")
  private let resets = Counter(label: "sluice_event_stream_resets_total")

  init() {
    PrometheusMetrics.shared.describe([
      "sluice_event_streams": "Open event streams. At SLUICE_EVENT_STREAMS more are refused with 503.",
      "sluice_event_stream_events_total": "Events written to streams.",
      "sluice_event_streams_slow_total":
        "Streams that were closed since their client read too slowly; it resumes. A rise means slow networks.",
      "sluice_event_stream_resets_total":
        "Clients told to load everything anew. A rise means that they were away for long, or that owners are not found.",
    ])
  }

  func opened() { move(1) }
  func closed() { move(-1) }
  func wrote(_ count: Int) { events.increment(by: count) }
  func closedSlow() { slow.increment() }
  func reset() { resets.increment() }

  private func move(_ step: Int) {
    count.withLockedValue { count in
      count += step
      open.record(count)
    }
  }
}
