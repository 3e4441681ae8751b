import AMQP
import Logging
import NIOConcurrencyHelpers
import ServiceKit
import ServiceLifecycle

/// Stops taking commands for a moment while this sender can reach nobody, or has no descriptors left, so that other
/// senders take them; then it tries again.
final class ReachWatch: Service, Sendable {
  private struct State {
    var reach = Reach()
    var isPaused = false
  }

  /// How long it takes nothing: long enough for others, short enough to notice that all is well again.
  static let pause = Duration.seconds(5)

  private let consumer: AMQPConsumer
  private let logger: Logger
  private let state = NIOLockedValueBox(State())
  private let causes: AsyncStream<String>
  private let cause: AsyncStream<String>.Continuation

  init(consumer: AMQPConsumer, logger: Logger) {
    self.consumer = consumer
    self.logger = logger
    (causes, cause) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Nothing is to be claimed now.
  var isPaused: Bool { state.withLockedValue { $0.isPaused } }

  /// Attempts at this provider go one by one, until one is written.
  func isDoubtful(_ provider: String) -> Bool { state.withLockedValue { $0.reach.isDoubtful(provider) } }

  /// An attempt has ended, with or without a byte written.
  func note(_ provider: String, isReached: Bool) {
    let isCutOff = state.withLockedValue { state in
      let now = ContinuousClock.now
      state.reach.note(provider, isReached: isReached, now: now)
      guard !state.isPaused, state.reach.isCutOff(now: now) else { return false }
      state.isPaused = true
      return true
    }
    if isCutOff { cause.yield("no provider can be reached from here") }
  }

  /// This process cannot open another socket.
  func noteNoDescriptors() {
    let isNew = state.withLockedValue { state in
      defer { state.isPaused = true }
      return !state.isPaused
    }
    if isNew { cause.yield("no descriptors left: raise the limit of open files") }
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      for await cause in self.causes {
        self.logger.error(
          "no commands taken for a moment, other senders may take them",
          metadata: [LogKey.reason: "\(cause)", LogKey.delay: "\(Self.pause / .seconds(1))"])
        await self.consumer.pause()
        // Ended early only by the shutdown, which closes the consumer.
        guard (try? await Task.sleep(for: Self.pause)) != nil else { return }
        self.state.withLockedValue { state in
          state.reach.tryAgain()
          state.isPaused = false
        }
        await self.consumer.resume()
      }
    }
  }
}
