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
    /// Messages in the backlog of which the log does not know that they were accepted.
    var untold: [MessageID] = []
    /// Accepted messages that never came by the queue.
    var unqueued: [[UInt8]] = []

    var isEmpty: Bool {
      outcomes.isEmpty && submissions.isEmpty && commands.isEmpty && untold.isEmpty && unqueued.isEmpty
    }
  }

  static let batchSize = 256

  private let state = NIOLockedValueBox(Batch())
  /// When submissions last came faster than they were taken.
  private let busyAt = NIOLockedValueBox(ContinuousClock.Instant.now)
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

  /// Takes what the log's follower has found.
  func add(untold: [MessageID], unqueued: [[UInt8]]) {
    guard !untold.isEmpty || !unqueued.isEmpty else { return }
    state.withLockedValue { state in
      state.untold += untold
      state.unqueued += unqueued
    }
    bell.ring()
  }

  /// True while, or shortly after, submissions come faster than they are taken.
  func isBehind(now: ContinuousClock.Instant) -> Bool {
    now - busyAt.withLockedValue { $0 } < .seconds(10) || state.withLockedValue { !$0.submissions.isEmpty }
  }

  /// Takes the next batch of each queue.
  func take() -> Batch {
    let batch = state.withLockedValue { state in
      defer { (state.untold, state.unqueued) = ([], []) }
      return Batch(
        outcomes: Self.take(&state.outcomes), submissions: Self.take(&state.submissions),
        commands: Self.take(&state.commands), untold: state.untold, unqueued: state.unqueued)
    }
    if batch.submissions.count >= Self.batchSize { busyAt.withLockedValue { $0 = .now } }
    return batch
  }

  /// One batch in order of arrival.
  private static func take(_ deliveries: inout [AMQPDelivery]) -> [AMQPDelivery] {
    let count = count(of: deliveries.lazy.map(\.deliveryCount))
    defer { deliveries.removeFirst(count) }
    return Array(deliveries.prefix(count))
  }

  /// How many of these the next batch takes. Messages that were delivered before may hold the one that brings down whoever
  /// handles it: with every delivery from the second on their batches are half as large, so that after nine each comes
  /// alone, while a few restarts under load slow nothing down.
  static func count(of deliveryCounts: some Collection<Int>) -> Int {
    var limit = batchSize
    var count = 0
    for times in deliveryCounts {
      limit = min(limit, max(1, batchSize >> min(max(0, times - 1), 30)))
      guard count < limit else { break }
      count += 1
    }
    return count
  }
}
