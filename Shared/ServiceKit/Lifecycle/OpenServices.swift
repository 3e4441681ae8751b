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

/// A service whose run is noted in `OpenServices`.
struct TrackedService: Service {
  let index: Int
  let service: any Service
  let open: OpenServices
  /// Called when the service ended without having been asked to.
  let onEarlyEnd: @Sendable () -> Void

  var name: String {
    (service as? any CustomStringConvertible)?.description ?? String(describing: type(of: service))
  }

  func run() async throws {
    open.opened(index, name)
    defer { open.closed(index) }
    do {
      try await service.run()
    } catch {
      noteEarlyEnd()
      throw error
    }
    noteEarlyEnd()
  }

  private func noteEarlyEnd() {
    guard !Task.isShuttingDownGracefully, !Task.isCancelled else { return }
    open.ended(name)
    onEarlyEnd()
  }
}
