import Foundation
import NIOConcurrencyHelpers

/// Ends the process when a shutdown takes too long.
///
/// It counts on a thread of its own: it must work when everything else hangs.
final class ShutdownClock: Sendable {
  private let limit: Duration
  private let onOverdue: @Sendable () -> Void
  private let hasBegun = NIOLockedValueBox(false)

  init(limit: Duration, onOverdue: @escaping @Sendable () -> Void) {
    self.limit = limit
    self.onOverdue = onOverdue
  }

  /// Starts the count; later calls change nothing.
  func begin() {
    let isFirst = hasBegun.withLockedValue { begun in
      defer { begun = true }
      return !begun
    }
    guard isFirst else { return }
    let seconds = Double(limit.components.seconds) + Double(limit.components.attoseconds) / 1e18
    let thread = Thread { [onOverdue] in
      Thread.sleep(forTimeInterval: seconds)
      onOverdue()
    }
    thread.name = "shutdown-clock"
    thread.start()
  }
}
