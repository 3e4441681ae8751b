import Logging
import Metrics
import NIOConcurrencyHelpers
import ServiceKit

/// Counts the answers of one provider that were not understood, and logs them once an hour.
final class ReplyWatch: Sendable {
  private let provider: String
  private let logger: Logger
  private let counter: Counter
  private let lastLoggedAt = NIOLockedValueBox<ContinuousClock.Instant?>(nil)

  init(provider: String, logger: Logger, registry: PrometheusMetrics = .shared) {
    self.provider = provider
    self.logger = logger
    registry.describe([
      "sluice_sender_replies_not_understood_total":
        "Answers with a 2xx that neither the reply table nor the adapter understood. Look at the replies of this provider's SMS and add a rule to `replies:`."
    ])
    counter = Counter(label: "sluice_sender_replies_not_understood_total", dimensions: [("provider", provider)])
    counter.increment(by: 0)
  }

  func note(_ verdict: ReplyClassifier.Verdict, at now: ContinuousClock.Instant = .now) {
    guard !verdict.isUnderstood else { return }
    counter.increment()
    let isDue = lastLoggedAt.withLockedValue { last in
      if let last, now - last < .seconds(3600) { return false }
      last = now
      return true
    }
    guard isDue else { return }
    logger.warning(
      "the provider's answer was not understood; further ones are counted and logged once an hour",
      metadata: [
        LogKey.provider: "\(provider)", LogKey.httpStatus: "\(verdict.reply?.status ?? 0)",
        "outcome": "\(verdict.outcome.rawValue)",
      ])
  }
}
