import Foundation
import NIOConcurrencyHelpers

/// A program that is run to its end, with a limit.
struct Command: Sendable {
  var path: String
  var arguments: [String] = []
  var environment: [String: String] = [:]

  /// The exit code and everything the program wrote. Throws when it did not end in time; then it has been killed.
  func run(within limit: Duration) async throws -> (code: Int32, output: String) {
    // A file, not a pipe: servers that the program starts may keep a pipe open for ever.
    let output = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString).out")
    _ = FileManager.default.createFile(atPath: output.path, contents: nil)
    defer { try? FileManager.default.removeItem(at: output) }  // in the folder for temporary files
    let handle = try FileHandle(forWritingTo: output)
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = handle
    process.standardError = handle
    let (ends, signal) = AsyncStream.makeStream(of: Void.self)
    process.terminationHandler = { _ in signal.finish() }
    try process.run()
    let pid = process.processIdentifier
    let timeout = Task {
      try await Task.sleep(for: limit)
      kill(pid, SIGKILL)
    }
    for await _ in ends {}
    timeout.cancel()
    process.waitUntilExit()
    try handle.close()
    let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
    guard process.terminationReason == .exit else {
      throw StackError("\(path) did not end within \(limit) or was killed:\n\(text)")
    }
    return (process.terminationStatus, text)
  }
}
