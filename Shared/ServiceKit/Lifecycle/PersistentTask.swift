import Logging
import ServiceLifecycle

/// A loop that comes back: its body is started again, after a growing wait, whenever it throws or returns.
///
/// It ends with a graceful shutdown, or when it is cancelled; never by a failure of its body.
public struct PersistentTask: Service {
  /// What a graceful shutdown does to a body that is running.
  public enum ShutdownBehaviour: Sendable {
    /// It is cancelled: for bodies whose work is repeated anyway.
    case cancels
    /// It is left alone and has to see the shutdown itself: for bodies that finish what they have begun.
    case waits
  }

  public let name: String
  private let backoff: Backoff
  private let onShutdown: ShutdownBehaviour
  private let logger: Logger
  private let body: @Sendable () async throws -> Void

  public init(
    _ name: String, backoff: Backoff = Backoff(), onShutdown: ShutdownBehaviour = .cancels, logger: Logger,
    body: @escaping @Sendable () async throws -> Void
  ) {
    self.name = name
    self.backoff = backoff
    self.onShutdown = onShutdown
    self.logger = logger
    self.body = body
  }

  public func run() async throws {
    var backoff = backoff
    while !isEnding {
      let startedAt = ContinuousClock.now
      do {
        switch onShutdown {
        case .cancels: try await cancelWhenGracefulShutdown(body)
        case .waits: try await body()
        }
      } catch {
        if isEnding { return }
        logger.warning(
          "task failed and starts again", metadata: [LogKey.task: "\(name)", LogKey.error: "\(error)"])
      }
      if isEnding { return }
      if startedAt.duration(to: .now) > backoff.maximum { backoff.reset() }
      let delay = backoff.next()
      // Ended early only by shutdown or cancellation, which the loop's condition sees.
      try? await cancelWhenGracefulShutdown { try await Task.sleep(for: delay) }
    }
  }

  private var isEnding: Bool { Task.isShuttingDownGracefully || Task.isCancelled }
}

extension PersistentTask: CustomStringConvertible {
  public var description: String { name }
}
