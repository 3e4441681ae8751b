import BlockingIO
import CPostgres
import NIOConcurrencyHelpers

/// A request to the server to end the running statement.
///
/// libpq opens a connection for it and blocks without a time limit, so it has a thread of its own. As long as it is not
/// finished it may still hit a later statement of the same session.
final class CancelRequest: Sendable {
  private let finished = NIOLockedValueBox(false)

  /// True when the request can have no effect on later statements.
  var isFinished: Bool { finished.withLockedValue { $0 } }

  /// Sends the request; signals `wakeup` when it is finished.
  init(to target: CancelTarget, wakeup: EventDescriptor) {
    let finished = finished
    Task.detached {
      await CancelThread().send(to: target)
      finished.withLockedValue { $0 = true }
      wakeup.signal()
    }
  }
}

/// A server process that can be asked to end its statement.
final class CancelTarget: @unchecked Sendable {
  // Unchecked: libpq copies address and key into the handle and never changes it; PQcancel is documented as thread-safe.
  private let handle: OpaquePointer

  init?(of connection: OpaquePointer) {
    guard let handle = PQgetCancel(connection) else { return nil }
    self.handle = handle
  }

  deinit { PQfreeCancel(handle) }

  fileprivate func send() {
    // Whether the request arrived shows in the statement's answer; without one the connection is discarded.
    var message = [CChar](repeating: 0, count: 256)
    _ = PQcancel(handle, &message, Int32(message.count))
  }
}

private actor CancelThread {
  private let executor = ThreadExecutor(name: "pg-cancel")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  func send(to target: CancelTarget) { target.send() }
}
