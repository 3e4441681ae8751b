import AMQP
import Contracts
import ServiceKit

/// Where facts and commands go; confirmed or an error, within the time-out.
protocol FactPublisher: Sendable {
  func publish(_ message: AMQPMessage, exchange: String, routingKey: String, timeout: Duration?) async throws
  /// Connected, and the broker takes what it is given.
  var isReady: Bool { get }
  /// Connected, but the broker takes nothing for now.
  var isBlocked: Bool { get }
}

extension AMQPPublisher: FactPublisher {}

/// Hands accepted requests to the broker: to the scheduler's queue, and when they are in it to the log.
struct SubmissionPublisher: Sendable {
  let publisher: any FactPublisher
  private let facts: AcceptedFacts
  /// How long the broker may take to confirm; the answer must leave within 3 s.
  var timeout = Duration.milliseconds(2_500)

  init(publisher: any FactPublisher) {
    self.publisher = publisher
    facts = AcceptedFacts(publisher: publisher)
  }

  /// Returns when the broker has it on disk, in the scheduler's queue.
  /// - Throws: `SERVICE_UNAVAILABLE` when it did not say so in time. The publish is withdrawn then: it is not repeated,
  ///   so the message arrives at most once.
  func publish(
    _ message: MessageAccepted, requestID: String, traceparent: String?, by deadline: ContinuousClock.Instant
  ) async throws {
    let envelope = Envelope(
      message, id: EnvelopeID(message.messageID.uuid), at: message.acceptedAt, requestID: requestID,
      traceparent: traceparent)
    let broker = AMQPMessage(
      body: try Wire.encode(envelope), messageID: envelope.header.id.description,
      type: MessageType.messageAccepted.rawValue, headers: [:])
    do {
      Failpoint.reach(.gatewayPublishing)
      try await publisher.publish(
        broker, exchange: BrokerNames.submit, routingKey: MessageType.messageAccepted.rawValue,
        timeout: max(.zero, deadline - .now))
      Failpoint.reach(.gatewayConfirmed)
      facts.tell(broker)
    } catch {
      var unavailable = APIError.unavailable(
        "The broker did not confirm in time, so whether the message was accepted is not known",
        details: [
          APIError.Detail("message_id", "unconfirmed", "It arrives at most once", messageID: message.messageID)
        ])
      unavailable.isCertainlyUndone = (error as? PublishError)?.mayHaveArrived == false
      throw unavailable
    }
  }
}
