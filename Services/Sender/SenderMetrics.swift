import Metrics
import ServiceKit

/// What a sender counts.
struct SenderMetrics: Sendable {
  private let provider: String

  init(provider: String, registry: PrometheusMetrics = .shared) {
    self.provider = provider
    registry.describe([
      "sluice_sender_connect_slow_total":
        "Requests not sent, by provider, since the connection was ready only after the claim limit. More than a few: the "
        + "way to the provider is slow (name resolution, TCP, TLS); raise claim_limit_ms in the providers file.",
      "sluice_sender_claims_expired_total":
        "Requests not sent, by provider, since this sender came too late to begin them. Many: the machine is overloaded.",
    ])
  }

  func connectSlow() {
    Counter(label: "sluice_sender_connect_slow_total", dimensions: [("provider", provider)]).increment()
  }

  func claimExpired() {
    Counter(label: "sluice_sender_claims_expired_total", dimensions: [("provider", provider)]).increment()
  }
}
