/// How a `ThreadExecutor`'s thread sleeps between jobs.
///
/// A C library with a loop of its own (libcurl's multi) brings its own implementation.
public protocol ThreadWaiter: Sendable {
  /// Blocks the executor's thread until `wake()` or an event of its own. Called only on that thread.
  func wait()
  /// Ends a `wait()` that is under way, or the next one. Callable from any thread.
  func wake()
}

/// Sleeps on an eventfd, one watched descriptor and a deadline.
public final class PollWaiter: ThreadWaiter, @unchecked Sendable {
  // Unchecked: `watched` and `deadline` are touched only on the executor's thread, by `wait()` and by
  // the isolated code of the one actor that runs there; `event` is thread-safe.
  private let event = EventDescriptor()
  private var watched: PollEntry?
  private var deadline: ContinuousClock.Instant?

  public init() {}

  /// Also ends the wait when this descriptor is ready. On the executor's thread only.
  public func watch(_ fileDescriptor: Int32, for interest: Interest) {
    watched = PollEntry(fileDescriptor: fileDescriptor, interest: interest)
  }

  /// Forgets the watched descriptor; do this before it is closed. On the executor's thread only.
  public func unwatch() { watched = nil }

  /// Also ends the wait at this instant; `nil` for none. On the executor's thread only.
  public func setDeadline(_ instant: ContinuousClock.Instant?) { deadline = instant }

  public func wait() {
    var entries = [PollEntry(fileDescriptor: event.fileDescriptor, interest: .readable)]
    if let watched { entries.append(watched) }
    poll(&entries, until: deadline)
    event.drain()
  }

  public func wake() { event.signal() }
}
