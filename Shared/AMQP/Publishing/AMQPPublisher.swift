import Logging
import ServiceLifecycle

/// Publishes messages over one connection, with the broker's confirmation for each.
///
/// All callers share the connection; their messages are pipelined. `run()` keeps the connection; until it runs, publishes
/// wait.
public final class AMQPPublisher: Service, Sendable {
  private let configuration: AMQPConfiguration
  private let window: Int
  private let logger: Logger
  private let queue = PublishQueue()
  private let loop: ConnectionLoop

  /// What a graceful shutdown waits for, at most.
  private static let flushTime = Duration.seconds(5)

  /// - Parameter window: How many messages may be unconfirmed at a time; more than 256 is slower.
  public init(configuration: AMQPConfiguration, window: Int = 256, logger: Logger) {
    self.configuration = configuration
    self.window = max(1, window)
    self.logger = logger
    loop = ConnectionLoop(configuration: configuration, logger: logger)
  }

  /// True when a message would be written at once and confirmed: connected, not blocked by the broker, and nothing has
  /// waited for its confirmation for too long.
  public var isReady: Bool { queue.isReady }
  /// True while the broker takes no messages for want of memory or disk.
  public var isBlocked: Bool { queue.isBlocked }

  /// Connects, reconnects for ever, and returns after a graceful shutdown (when all accepted messages are confirmed, at
  /// most 5 s later) or at once when cancelled. Call it once.
  public func run() async throws {
    await withTaskCancellationHandler {
      await withGracefulShutdownHandler {
        await loop.run { [configuration, window, logger, queue] connection in
          queue.attach(connection)
          return PublishingRole(
            queue: queue, window: window, answerTimeout: configuration.rpcTimeout,
            limits: .forHosts(configuration.hosts.count), probe: configuration.probe,
            onFirstConfirmation: { configuration.board.confirms(connection.host) }, logger: logger)
        }
      } onGracefulShutdown: {
        self.drain()
      }
    } onCancel: {
      loop.stop()
    }
    queue.close()
  }

  private func drain() {
    queue.stopAccepting()
    let timer = Task { [queue] in
      try await Task.sleep(for: Self.flushTime)
      queue.close()
    }
    Task { [queue, loop] in
      await queue.drained.wait()
      timer.cancel()
      loop.stop()
    }
  }

  /// Publishes a mandatory, persistent message and returns when the broker has confirmed it.
  ///
  /// Waits for room in the window. Messages are written in the order of the calls, as far as these begin one after another
  /// on the caller's own executor. What is unconfirmed when the connection breaks is repeated on the next one, so a
  /// consumer may see it twice with the same message id. What the broker refuses (a full queue, or one that is being
  /// started) is repeated too, after 50 ms to 1 s. When the time-out passes, or the calling task is cancelled, the
  /// message is withdrawn: it is not repeated.
  /// - Parameter timeout: From the call to the confirmation; nil waits for as long as it takes.
  /// - Throws: `PublishError`, or `CancellationError`.
  nonisolated(nonsending)
    public func publish(
      _ message: AMQPMessage, exchange: String, routingKey: String, timeout: Duration? = nil
    ) async throws
  {
    try validate(message, exchange, routingKey)
    try await queue.publish(message, exchange: exchange, routingKey: routingKey, timeout: timeout)
  }

  /// What the protocol cannot carry would break the connection for all.
  private func validate(_ message: AMQPMessage, _ exchange: String, _ routingKey: String) throws {
    let shortStrings = [exchange, routingKey, message.contentType, message.messageID ?? "", message.type ?? ""]
    guard shortStrings.allSatisfy({ $0.utf8.count <= 255 }), message.headers.hasShortKeys
    else {
      throw PublishError(code: .rejected, message: "a name, id, type or header name is longer than 255 bytes")
    }
    guard message.headers.isEmpty || message.headers.encodedSize <= configuration.frameMax - 2048 else {
      throw PublishError(code: .rejected, message: "the headers do not fit one frame")
    }
  }
}
