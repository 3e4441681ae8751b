import BlockingIO
import NIOConcurrencyHelpers

/// Tells the thread that waits for a statement that its task was cancelled.
final class Interruption: Sendable {
  private let wakeup: EventDescriptor
  private let flag = NIOLockedValueBox(false)

  init(wakeup: EventDescriptor) { self.wakeup = wakeup }

  var isCancelled: Bool { flag.withLockedValue { $0 } }

  func cancel() {
    flag.withLockedValue { $0 = true }
    wakeup.signal()
  }
}

/// When to give up a statement.
struct StopRule {
  var deadline: ContinuousClock.Instant
  var interruption: Interruption?
  /// Whether the server is asked to end the statement. A COMMIT is not: it may have taken effect already.
  var asksServer = true

  /// Why the statement was given up.
  enum Cause: Sendable, Equatable {
    case deadline
    case cancelled
  }

  /// The reason to stop that holds by now.
  var cause: Cause? {
    if interruption?.isCancelled == true { return .cancelled }
    return ContinuousClock.now >= deadline ? .deadline : nil
  }
}
