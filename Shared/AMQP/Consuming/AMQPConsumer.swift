import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle

/// Consumes from queues and streams over one connection.
///
/// `run()` keeps the connection and the consumers: after a loss, a cancel by the broker (a queue that was deleted is
/// looked for every 2 s at most) or a channel error they are started again. A stream goes on after the last delivered
/// message.
public final class AMQPConsumer: Service, Sendable {
  private let configuration: AMQPConfiguration
  private let logger: Logger
  private let mailbox: ConsumerMailbox
  private let loop: ConnectionLoop
  private let limit = NIOLockedValueBox<Task<Void, any Error>?>(nil)

  /// How long a graceful shutdown leaves the connection open for what is still to be acknowledged.
  private static let lingerTime = Duration.seconds(15)

  public init(configuration: AMQPConfiguration, subscriptions: [AMQPSubscription], logger: Logger) {
    self.configuration = configuration
    self.logger = logger
    mailbox = ConsumerMailbox(subscriptions: subscriptions)
    // A stream's reader knows by its silence that a host does not work, and may have to be where a replica is.
    loop = ConnectionLoop(
      configuration: configuration, followsPublisher: subscriptions.allSatisfy { $0.streamOffset == nil },
      logger: logger)
  }

  /// True when all subscriptions are being consumed, or paused, over a live connection.
  public var isReady: Bool { mailbox.isReady }

  /// What arrives. Ends at shutdown; what was fetched and not read by then goes back to its queue.
  public var deliveries: AMQPDeliveries { AMQPDeliveries(mailbox: mailbox) }

  /// Connects and reconnects for ever.
  ///
  /// A graceful shutdown stops consuming and ends `deliveries`; the connection stays until all that was read from them is
  /// acknowledged, or until `close()`, at most 15 s. Cancelling closes it at once. Call it once.
  public func run() async throws {
    await withTaskCancellationHandler {
      await withGracefulShutdownHandler {
        await loop.run(isDone: { [mailbox] in mailbox.isFinished }) {
          [configuration, mailbox, loop, logger] connection in
          mailbox.attach(connection)
          return ConsumingRole(
            mailbox: mailbox, answerTimeout: configuration.rpcTimeout, hasOtherHosts: configuration.hosts.count > 1,
            logger: logger, whenDone: { loop.stop() })
        }
      } onGracefulShutdown: {
        self.mailbox.finish()
        let timer = Task { [loop = self.loop] in
          try await Task.sleep(for: Self.lingerTime)
          loop.stop()
        }
        self.limit.withLockedValue { $0 = timer }
      }
    } onCancel: {
      loop.stop()
    }
    mailbox.finish()
    limit.withLockedValue { $0 }?.cancel()
  }

  /// Tells the broker that a delivery, or with `multiple` every earlier one of any queue too, is done with.
  ///
  /// A delivery of an earlier connection is ignored: the broker delivers it again.
  public func acknowledge(_ delivery: AMQPDelivery, multiple: Bool = false) async {
    mailbox.acknowledge(delivery.token, multiple: multiple)
  }

  /// False for a delivery of an earlier connection: the broker delivers it again.
  public func isCurrent(_ delivery: AMQPDelivery) -> Bool { mailbox.isCurrent(delivery.token) }

  /// Stops consuming and keeps the channel: what is delivered stays the application's, and may be acknowledged.
  public func pause() async { mailbox.setPaused(true) }

  /// Consumes again after `pause()`.
  public func resume() async { mailbox.setPaused(false) }

  /// Goes on reading a stream after this offset. What is fetched and not read of it is forgotten.
  public func streamPosition(queue: String, after offset: UInt64) async { mailbox.move(queue, to: offset + 1) }

  /// Sends the last acknowledgements, closes the connection and ends `run()`.
  public func close() async {
    mailbox.finish()
    loop.stop()
  }
}
