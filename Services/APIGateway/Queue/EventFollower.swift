import AMQP
import Contracts
import Logging
import NIOConcurrencyHelpers
import ServiceKit
import ServiceLifecycle

/// Follows the stream of facts for what this replica must know at once: heads of the queue, providers, answers to its commands,
/// changes of users. All of it goes on to the live feed.
struct EventFollower: Service {
  let consumer: AMQPConsumer
  let queue: QueueView
  let providers: ProviderView
  let answers: AnswerTable
  let directory: NIOLockedValueBox<TokenDirectory>
  let refreshSignal: RefreshSignal
  let feed: LiveFeed
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      for await delivery in consumer.deliveries {
        handle(routingKey: delivery.routingKey, body: delivery.body)
        if let offset = delivery.streamOffset, let type = MessageType(rawValue: delivery.routingKey) {
          feed.offer(LiveFeed.Raw(offset: offset, type: type, body: delivery.body))
        }
        await consumer.acknowledge(delivery)
      }
    }
  }

  /// A fact that cannot be read is left out here; the projector reports it.
  func handle(routingKey: String, body: [UInt8]) {
    do {
      switch routingKey {
      case MessageType.queueChanged.rawValue:
        let change = try Wire.decode(QueueChanged.self, from: body).body
        queue.apply(change)
        providers.apply(change)
      case MessageType.messageQueued.rawValue:
        queue.apply(try Wire.decode(MessagesQueued.self, from: body).body)
      case MessageType.messagePaused.rawValue:
        queue.hold(try Wire.decode(MessagesPaused.self, from: body).body.targets, true)
      case MessageType.messageResumed.rawValue:
        queue.hold(try Wire.decode(MessagesResumed.self, from: body).body.targets, false)
      case MessageType.messageCancelled.rawValue:
        queue.forget(try Wire.decode(MessagesCancelled.self, from: body).body.messages)
      case MessageType.messageExpired.rawValue:
        queue.forget(try Wire.decode(MessagesExpired.self, from: body).body.messages)
      case MessageType.providerChanged.rawValue:
        providers.apply(try Wire.decode(ProvidersChanged.self, from: body).body)
      case MessageType.commandAnswered.rawValue:
        answers.take(try Wire.decode(CommandAnswered.self, from: body).body)
      case MessageType.userChanged.rawValue:
        let change = try Wire.decode(UserChanged.self, from: body).body
        directory.withLockedValue { $0.apply(change) }
        refreshSignal.ring()
      default: break
      }
    } catch {
      logger.warning(
        "A fact could not be read", metadata: [LogKey.envelopeType: "\(routingKey)", LogKey.error: "\(error)"])
    }
  }
}
