import Metrics
import ServiceKit

/// What this service measures.
struct DeadLetterMetrics: Sendable {
  init(registry: PrometheusMetrics = .shared) {
    registry.describe([
      "sluice_letters_opened_total":
        "Letters stored, by error type. A rise of one type after a quiet time points at one provider: see its health.",
      "sluice_letters_closed_total": "Letters closed, by what became of them.",
      "sluice_letters_open":
        "Letters that wait for somebody to decide. Should be 0; alarm when it stays above for a day.",
      "sluice_poison_total":
        "Broker messages that their consumer could not work with, by queue. Each is a bug or a version mix-up.",
      "sluice_poison_kept": "Poison messages in store.",
    ])
  }

  func opened(_ errorType: String) {
    Counter(label: "sluice_letters_opened_total", dimensions: [("error_type", errorType)]).increment()
  }

  func closed(_ state: LetterState) {
    Counter(label: "sluice_letters_closed_total", dimensions: [("state", state.rawValue)]).increment()
  }

  func poison(_ queue: String) {
    Counter(label: "sluice_poison_total", dimensions: [("queue", queue)]).increment()
  }

  func inStore(letters: Int, poison: Int) {
    Gauge(label: "sluice_letters_open").record(letters)
    Gauge(label: "sluice_poison_kept").record(poison)
  }
}
