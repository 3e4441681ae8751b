import NIOConcurrencyHelpers
import ServiceLifecycle

/// Which of a process's services still run, so that a slow shutdown can say what it waits for.
final class OpenServices: Sendable {
  private struct State {
    var names: [Int: String] = [:]
    var failed: String?
  }

  private let state = NIOLockedValueBox(State())

  /// The names of those that run, in order of dependency.
  var names: [String] { state.withLockedValue { $0.names.sorted { $0.key < $1.key }.map(\.value) } }

  /// The first that failed or returned before it was asked to.
  var culprit: String? { state.withLockedValue { $0.failed } }

  fileprivate func opened(_ index: Int, _ name: String) { state.withLockedValue { $0.names[index] = name } }

  fileprivate func closed(_ index: Int) { state.withLockedValue { $0.names[index] = nil } }

  fileprivate func ended(_ name: String) { state.withLockedValue { $0.failed = $0.failed ?? name } }
}

/// A service whose run is noted in `OpenServices`, and that ends in its turn.
///
/// During a shutdown a service may be done before its turn, because one that stops earlier has closed what it works with.
/// `ServiceGroup` takes that for a failure and cancels all the others, with what they have in flight. So the end is held
/// back until the turn comes.
struct TrackedService: Service {
  let index: Int
  let service: any Service
  let open: OpenServices
  /// True once the process shuts down, for whatever reason.
  let isShuttingDown: @Sendable () -> Bool
  /// Called when the service ended and no shutdown was under way.
  let onEarlyEnd: @Sendable () -> Void
  /// Called when the service failed while the others shut down: they go on all the same.
  let onLateFailure: @Sendable (any Error) -> Void

  var name: String {
    (service as? any CustomStringConvertible)?.description ?? String(describing: type(of: service))
  }

  func run() async throws {
    open.opened(index, name)
    do {
      defer { open.closed(index) }
      try await service.run()
    } catch {
      if isItsTurn { throw error }
      open.ended(name)
      guard isShuttingDown() else {
        onEarlyEnd()
        throw error
      }
      onLateFailure(error)
      return await turn()
    }
    if isItsTurn { return }
    guard isShuttingDown() else {
      open.ended(name)
      return onEarlyEnd()
    }
    await turn()
  }

  private var isItsTurn: Bool { Task.isShuttingDownGracefully || Task.isCancelled }

  /// Waits until the group tells this service to stop. A cancellation is such a word, too.
  private func turn() async { try? await gracefulShutdown() }
}
