import Glibc

/// Whether this process can still open files and sockets.
public enum DescriptorRoom {
  /// Whether so many descriptors can be opened now. It opens and closes them: a few microseconds for dozens.
  public static func isThere(for count: Int) -> Bool {
    var opened: [Int32] = []
    defer { for descriptor in opened { close(descriptor) } }
    while opened.count < count {
      // Of standard error, which no process closes; not inherited by a child.
      let descriptor = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
      guard descriptor >= 0 else {
        // A process without standard error cannot be measured this way, and is not held up.
        return errno != EMFILE && errno != ENFILE
      }
      opened.append(descriptor)
    }
    return true
  }
}
