import AMQP
import Contracts
import NIOConcurrencyHelpers
import ServiceKit

/// Deliveries that wait for the leader's loop, by queue. Bounded by the consumers' prefetch.
final class Inbox: Sendable {
  /// What one visit takes.
  struct Batch: Sendable {
    var outcomes: [AMQPDelivery] = []
    var submissions: [AMQPDelivery] = []
    var commands: [AMQPDelivery] = []

    var isEmpty: Bool { outcomes.isEmpty && submissions.isEmpty && commands.isEmpty }
  }

  static let batchSize = 256

  private let state = NIOLockedValueBox(Batch())
  let bell = Bell()

  func add(_ delivery: AMQPDelivery) {
    state.withLockedValue { state in
      switch delivery.queue {
      case BrokerNames.outcomes: state.outcomes.append(delivery)
      case BrokerNames.submissions: state.submissions.append(delivery)
      default: state.commands.append(delivery)
      }
    }
    bell.ring()
  }

  /// Takes the next batch of each queue.
  func take() -> Batch {
    state.withLockedValue { state in
      Batch(
        outcomes: Self.take(&state.outcomes), submissions: Self.take(&state.submissions),
        commands: Self.take(&state.commands))
    }
  }

  /// One batch in order of arrival. A message that was delivered twice before comes alone: it may be what brought its
  /// batch down.
  private static func take(_ deliveries: inout [AMQPDelivery]) -> [AMQPDelivery] {
    guard !deliveries.isEmpty else { return [] }
    let suspicious = deliveries.firstIndex { $0.deliveryCount >= 2 }
    let count = suspicious == 0 ? 1 : min(batchSize, suspicious ?? deliveries.count)
    defer { deliveries.removeFirst(count) }
    return Array(deliveries.prefix(count))
  }
}
