import NIOConcurrencyHelpers

/// How far the process is in its life.
public enum ProcessState {
  private static let shuttingDown = NIOLockedValueBox(false)

  /// True from the first SIGTERM on: the process is not ready for more work, though it still finishes some.
  public static var isShuttingDown: Bool { shuttingDown.withLockedValue { $0 } }

  static func beginShutdown() { shuttingDown.withLockedValue { $0 = true } }
}
