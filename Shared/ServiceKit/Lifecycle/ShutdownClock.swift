import Foundation
import NIOConcurrencyHelpers

/// Ends the process when a shutdown takes too long.
///
/// It counts on a thread of its own: it must work when everything else hangs.
final class ShutdownClock: Sendable {
  private let limit: Duration
  private let onOverdue: @Sendable () -> Void
  private let state = NIOLockedValueBox(State.idle)

  private enum State {
    case idle, counting, ended
  }

  init(limit: Duration, onOverdue: @escaping @Sendable () -> Void) {
    self.limit = limit
    self.onOverdue = onOverdue
  }

  /// True from the beginning of the shutdown on.
  var hasBegun: Bool { state.withLockedValue { $0 != .idle } }

  /// Starts the count; later calls change nothing.
  func begin() {
    let isFirst = state.withLockedValue { state in
      guard state == .idle else { return false }
      state = .counting
      return true
    }
    guard isFirst else { return }
    let seconds = Double(limit.components.seconds) + Double(limit.components.attoseconds) / 1e18
    let thread = Thread { [self] in
      Thread.sleep(forTimeInterval: seconds)
      if state.withLockedValue({ $0 }) == .counting { onOverdue() }
    }
    thread.name = "shutdown-clock"
    thread.start()
  }

  /// The shutdown is done: the count means nothing any more.
  func end() { state.withLockedValue { $0 = .ended } }
}
