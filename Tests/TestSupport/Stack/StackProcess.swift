import Foundation

/// The processes of a stack, by the names of their pid files.
public enum StackProcess: String, Sendable, CaseIterable {
  case gateway = "api-gateway"
  case scheduler
  case sender
  case deadLetter = "dead-letter"
  case projector = "status-projector"
  case mock = "mock-provider"
  case rabbitmq
  case postgresql
}

/// A process of this machine.
public struct ProcessID: Sendable, Hashable {
  public let number: pid_t

  public init(_ number: pid_t) { self.number = number }

  /// Whether it still runs; a zombie does not.
  public var isRunning: Bool {
    // No such file is the answer, not an error.
    guard let status = try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8),
      let name = status.lastIndex(of: ")")
    else { return false }
    let state = status[name...].dropFirst(2).first
    return state != "Z" && state != "X"
  }

  public func send(_ signal: Int32) { kill(number, signal) }

  /// Waits until it has ended.
  public func ends(within limit: Duration = .seconds(45)) async throws {
    let deadline = ContinuousClock.now + limit
    while isRunning {
      guard ContinuousClock.now < deadline else { throw StackError("process \(number) still runs after \(limit)") }
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  /// The environment it was started with.
  func environment() throws -> [String: String] {
    let text = try String(contentsOfFile: "/proc/\(number)/environ", encoding: .utf8)
    return Dictionary(
      text.split(separator: "\0").compactMap { line in
        line.firstIndex(of: "=").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
      }, uniquingKeysWith: { first, _ in first })
  }

  /// The program it runs.
  func executable() throws -> String {
    try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(number)/exe")
  }
}
