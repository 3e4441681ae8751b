import HTTPTypes
import Metrics

/// Counts answers by the kind of their status.
///
/// A rise of `5xx` means that the broker does not confirm (POST) or the database is away (GET).
struct RequestMetrics: Sendable {
  private let counters: [Counter] = (1...5).map {
    Counter(label: "sluice_gateway_requests_total", dimensions: [("status", "\($0)xx")])
  }

  func count(_ status: HTTPResponse.Status) {
    let index = status.code / 100 - 1
    if counters.indices.contains(index) { counters[index].increment() }
  }
}
