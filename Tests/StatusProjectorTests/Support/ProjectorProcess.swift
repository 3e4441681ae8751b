import Foundation
import TestSupport

/// A projector as a process of its own, to be killed.
struct ProjectorProcess {
  private let process = Process()

  init(
    instance: String, arguments: [String] = [], broker: ProjectorBroker, databaseURL: String
  ) throws {
    process.arguments = arguments
    process.executableURL = try BuiltProduct.url("status-projector")
    process.environment = [
      "SLUICE_INSTANCE": instance, "SLUICE_AMQP_URL": broker.url, "SLUICE_DATABASE_URL": databaseURL,
      "SLUICE_LOG_LEVEL": "notice",
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
  }

  /// `kill -9`, and waits until it is gone.
  func kill() async throws {
    let pid = ProcessID(process.processIdentifier)
    pid.send(SIGKILL)
    try await pid.ends()
  }

  /// Waits until it ends by itself.
  /// - Returns: The exit code.
  func ends(within limit: Duration) async throws -> Int32 {
    try await ProcessID(process.processIdentifier).ends(within: limit)
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// SIGTERM.
  /// - Returns: The exit code.
  func terminate() async throws -> Int32 {
    process.terminate()
    try await ProcessID(process.processIdentifier).ends()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
