import Metrics
import NIOConcurrencyHelpers
import ServiceKit

/// What this service measures.
struct DeadLetterMetrics: Sendable {
  /// Types of error that were counted once: they are 0, and not gone, when there are none any more.
  private let errorTypes = NIOLockedValueBox<Set<String>>([])

  /// How things stand, of all replicas together.
  struct Stock: Sendable {
    /// Letters that are pending or replaying, by their type of error.
    var open: [String: Int] = [:]
    /// Seconds since the oldest pending letter was opened; 0 when there is none.
    var oldestPending = 0.0
    var pendingPoison = 0
    var runningReplays = 0
    /// Not published, or not answered by the scheduler.
    var waitingOrders = 0
    /// Seconds since the oldest of them was made; 0 when there is none.
    var oldestOrder = 0.0
  }

  init(registry: PrometheusMetrics = .shared) {
    registry.describe([
      "sluice_letters_opened_total":
        "Letters stored, by error type. A rise of one type after a quiet time points at one provider: see its health.",
      "sluice_letters_closed_total": "Letters closed, by what became of them.",
      "sluice_letters_open":
        "Letters that are pending or replaying, by error type. The same of every replica: take the maximum.",
      "sluice_letters_oldest_pending_seconds":
        "Age of the oldest letter that waits for somebody to decide. Above a day nobody looks after them.",
      "sluice_letter_replays_running": "Replays of which some SMS have not ended. They end with the last one.",
      "sluice_letter_orders_waiting":
        "Orders to the scheduler that are not published or not answered; such ones are published again, after a minute, 4 minutes, up to an hour. Not 0 for a minute: an order fails (see the log), or the broker or the scheduler is away, or dead-letter.units has no binding for command.answered.",
      "sluice_letter_orders_oldest_seconds": "Age of the oldest of them.",
      "sluice_poison_total":
        "Broker messages that their consumer could not work with, by queue. Each is a bug or a version mix-up.",
      "sluice_poison_pending": "Poison messages that wait for somebody to decide. Each holds something back: alarm.",
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

  func inStock(_ stock: Stock) {
    let types = errorTypes.withLockedValue { types in
      types.formUnion(stock.open.keys)
      return types
    }
    for type in types {
      Gauge(label: "sluice_letters_open", dimensions: [("error_type", type)]).record(stock.open[type] ?? 0)
    }
    Gauge(label: "sluice_letters_oldest_pending_seconds").record(stock.oldestPending)
    Gauge(label: "sluice_poison_pending").record(stock.pendingPoison)
    Gauge(label: "sluice_letter_replays_running").record(stock.runningReplays)
    Gauge(label: "sluice_letter_orders_waiting").record(stock.waitingOrders)
    Gauge(label: "sluice_letter_orders_oldest_seconds").record(stock.oldestOrder)
  }
}
