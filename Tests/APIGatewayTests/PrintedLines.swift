import NIOConcurrencyHelpers

/// What was printed.
final class PrintedLines: Sendable {
  private let box = NIOLockedValueBox<[String]>([])

  var lines: [String] { box.withLockedValue { $0 } }

  func add(_ line: String) { box.withLockedValue { $0.append(line) } }
}
