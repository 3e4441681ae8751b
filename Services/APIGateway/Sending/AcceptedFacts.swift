import AMQP
import Contracts
import NIOConcurrencyHelpers

/// Tells the read side what was accepted, behind the 202 and without holding it up.
///
/// What is not told, because the broker did not take it in time, there was too much of it or the process died, the
/// scheduler tells: it hears from the log that it has queued a message of which nobody has told.
final class AcceptedFacts: Sendable {
  /// What may be on its way at a time.
  private static let limit = (facts: 10_000, bytes: 64 << 20)
  private static let patience = Duration.seconds(60)

  private let publisher: any FactPublisher
  private let open = NIOLockedValueBox((facts: 0, bytes: 0))

  init(publisher: any FactPublisher) { self.publisher = publisher }

  /// Tells of a request whose submission the broker has confirmed. Never waits.
  func tell(_ message: AMQPMessage) {
    let size = message.body.count
    let hasRoom = open.withLockedValue { open in
      guard open.facts < Self.limit.facts, open.bytes + size <= Self.limit.bytes else { return false }
      open.facts += 1
      open.bytes += size
      return true
    }
    guard hasRoom else { return }
    Task { [self] in
      // The publisher logs what is wrong with the broker; the scheduler makes up for this fact.
      try? await publisher.publish(
        message, exchange: BrokerNames.events, routingKey: MessageType.messageAccepted.rawValue,
        timeout: Self.patience)
      open.withLockedValue { open in
        open.facts -= 1
        open.bytes -= size
      }
    }
  }
}
