import Glibc

/// Where finished lines of the log go.
public protocol LogSink: Sendable {
  /// - Parameter line: Without the line feed at its end.
  func write(_ line: String)
}

/// Standard error, one system call a line, so that lines of several threads and processes don't mix.
public struct StandardErrorSink: LogSink {
  public init() {}

  public func write(_ line: String) {
    var text = line
    text.append("\n")
    text.withUTF8 { bytes in
      var rest = bytes[...]
      while let start = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[rest.indices]).baseAddress {
        let count = Glibc.write(STDERR_FILENO, start, rest.count)
        if count < 0, errno == EINTR { continue }
        // Nobody reads standard error: there is nowhere left to say so.
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
        if rest.isEmpty { return }
      }
    }
  }
}
