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

    var isEmpty: Bool { outcomes.isEmpty && submissions.isEmpty && commands.isEmpty }
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

  /// Takes the next batch of each queue.
  /// - Parameter withCommands: False while their budget is spent: they go on waiting.
  func take(withCommands: Bool) -> Batch {
    state.withLockedValue { state in
      var batch = Batch()
      batch.outcomes = Self.take(&state.outcomes, \.deliveryCount)
      var recipients = 0
      batch.submissions = Self.take(&state.submissions, \.delivery.deliveryCount) { received in
        recipients += (try? received.content.get().body.recipients.count) ?? 0
        return recipients <= Self.recipientLimit
      }
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

  /// One batch in order of arrival, one delivery at least. A message that was delivered twice before comes alone: it may
  /// be what brought its batch down.
  private static func take<Delivery>(
    _ waiting: inout Deque<Delivery>, _ deliveryCount: (Delivery) -> Int, limit: Int = batchSize,
    while isWanted: (Delivery) -> Bool = { _ in true }
  ) -> [Delivery] {
    var batch: [Delivery] = []
    while let next = waiting.first, batch.count < limit {
      let isSuspicious = deliveryCount(next) >= 2
      guard batch.isEmpty || (!isSuspicious && isWanted(next)) else { break }
      if batch.isEmpty { _ = isWanted(next) }
      batch.append(waiting.removeFirst())
      if isSuspicious { break }
    }
    return batch
  }
}
