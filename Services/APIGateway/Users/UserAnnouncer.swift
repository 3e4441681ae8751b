import AMQP
import Contracts
import Logging
import NIOConcurrencyHelpers
import ServiceKit

/// Makes a change of a user, which is committed, take effect here at once and in the other replicas by a fact.
///
/// Should the broker not take the fact, the others find the change when they read the database the next time.
struct UserAnnouncer: Sendable {
  let directory: NIOLockedValueBox<TokenDirectory>
  let refreshSignal: RefreshSignal
  let publisher: any FactPublisher
  /// How long whoever made the change waits for the broker.
  var patience = Duration.milliseconds(500)

  func announce(_ change: UserChanged, _ context: GatewayContext) async {
    directory.withLockedValue { $0.apply(change) }
    refreshSignal.ring()
    let envelope = Envelope(change, requestID: context.requestID, traceparent: context.traceparent)
    do {
      try await publisher.publish(
        AMQPMessage(
          body: try Wire.encode(envelope), messageID: envelope.header.id.description,
          type: MessageType.userChanged.rawValue),
        exchange: BrokerNames.events, routingKey: MessageType.userChanged.rawValue, timeout: patience)
    } catch {
      context.logger.info(
        "A change of a user was not told to the other gateways; they read it",
        metadata: [LogKey.userID: "\(change.userID)"])
    }
  }
}
