import CLinux
import Glibc

/// A Linux `eventfd` that any thread may signal and one thread waits on.
public final class EventDescriptor: Sendable {
  /// The descriptor to poll for readability. Valid as long as this object lives.
  public let fileDescriptor: Int32

  /// Opens the descriptor; the kernel refuses only when the process is out of descriptors or memory.
  public init() {
    fileDescriptor = sluice_eventfd()
    precondition(fileDescriptor >= 0, "eventfd failed: errno \(errno)")
  }

  deinit { close(fileDescriptor) }

  /// Makes the descriptor readable. Never blocks: a full counter is already readable.
  public func signal() {
    var one: UInt64 = 1
    _ = write(fileDescriptor, &one, 8)
  }

  /// Takes back every signal so far.
  public func drain() {
    var count: UInt64 = 0
    _ = read(fileDescriptor, &count, 8)
  }
}
