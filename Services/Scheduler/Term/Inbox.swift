import AMQP
import Contracts
import DequeModule
import NIOConcurrencyHelpers
import ServiceKit

/// Deliveries that wait for the leader's loop, by queue. Bounded by the consumers' prefetch.
///
/// Whoever adds a delivery decodes it: a message to 10,000 recipients is read beside the loop.
final class Inbox: Sendable {
  /// A delivery and what it says.
  struct Received<Content: Sendable>: Sendable {
    var delivery: AMQPDelivery
    /// An error for what cannot be understood.
    var content: Result<Content, any Error>
  }

  /// What one visit takes.
  struct Batch: Sendable {
    var outcomes: [AMQPDelivery] = []
    var submissions: [Received<Envelope<MessageAccepted>>] = []
    var commands: [Received<ReceivedCommand>] = []
    /// Messages in the backlog of which the log does not know that they were accepted.
    var untold: [MessageID] = []
    /// Accepted messages that never came by the queue.
    var unqueued: [[UInt8]] = []

    var isEmpty: Bool {
      outcomes.isEmpty && submissions.isEmpty && commands.isEmpty && untold.isEmpty && unqueued.isEmpty
    }
  }

  static let batchSize = 256
  /// Recipients in one batch of submissions, but for one message that has more: what is stored between two dispatches.
  static let recipientLimit = 10_000
  /// Commands in one batch.
  static let commandLimit = 64

  private struct Waiting: Sendable {
    var outcomes: Deque<AMQPDelivery> = []
    var submissions: Deque<Received<Envelope<MessageAccepted>>> = []
    var commands: Deque<Received<ReceivedCommand>> = []
    var untold: [MessageID] = []
    var unqueued: [[UInt8]] = []
    /// When submissions last came faster than they were taken.
    var busyAt = ContinuousClock.Instant.now
  }

  private let state = NIOLockedValueBox(Waiting())
  let bell = Bell()

  func add(_ delivery: AMQPDelivery) {
    switch delivery.queue {
    case BrokerNames.outcomes:
      state.withLockedValue { $0.outcomes.append(delivery) }
    case BrokerNames.submissions:
      let received = Received(delivery: delivery, content: Result { try Submission.read(delivery.body) })
      state.withLockedValue { $0.submissions.append(received) }
    default:
      let received = Received(delivery: delivery, content: Result { try ReceivedCommand(delivery.body) })
      state.withLockedValue { $0.commands.append(received) }
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
    state.withLockedValue { now - $0.busyAt < .seconds(10) || !$0.submissions.isEmpty }
  }

  /// Takes the next batch of each queue.
  /// - Parameter withCommands: False while their budget is spent: they go on waiting.
  func take(withCommands: Bool) -> Batch {
    state.withLockedValue { state in
      var batch = Batch(untold: state.untold, unqueued: state.unqueued)
      (state.untold, state.unqueued) = ([], [])
      batch.outcomes = Self.take(&state.outcomes, \.deliveryCount)
      var recipients = 0
      batch.submissions = Self.take(&state.submissions, \.delivery.deliveryCount) { received in
        recipients += (try? received.content.get().body.recipients.count) ?? 0
        return recipients <= Self.recipientLimit
      }
      if !state.submissions.isEmpty { state.busyAt = .now }
      if withCommands {
        batch.commands = Self.take(&state.commands, \.delivery.deliveryCount, limit: Self.commandLimit)
      }
      return batch
    }
  }

  /// Puts commands back that no time was left for.
  func putBack(_ commands: ArraySlice<Received<ReceivedCommand>>) {
    state.withLockedValue { $0.commands.prepend(contentsOf: commands) }
  }

  /// Whether commands wait.
  var hasCommands: Bool { state.withLockedValue { !$0.commands.isEmpty } }

  /// One batch in order of arrival, one delivery at least.
  private static func take<Delivery>(
    _ waiting: inout Deque<Delivery>, _ deliveryCount: (Delivery) -> Int, limit: Int = batchSize,
    while isWanted: (Delivery) -> Bool = { _ in true }
  ) -> [Delivery] {
    var count = 0
    for next in waiting.prefix(min(limit, self.count(of: waiting.lazy.map(deliveryCount)))) {
      guard isWanted(next) || count == 0 else { break }
      count += 1
    }
    defer { waiting.removeFirst(count) }
    return Array(waiting.prefix(count))
  }

  /// How many of these the next batch takes. Messages that were delivered before may hold the one that brings down whoever
  /// handles it: with every delivery from the second on their batches are half as large, so that after nine each comes
  /// alone, while a few restarts under load slow nothing down.
  static func count(of deliveryCounts: some Sequence<Int>) -> Int {
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
