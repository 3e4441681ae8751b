import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle
import Testing
import TestSupport

@testable import ServiceKit

@Suite("A persistent task")
struct PersistentTaskTests {
  private struct Failure: Error {}

  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test("starts its body again after it throws or returns, until the shutdown", .timeLimit(.minutes(1)))
  func comesBack() async throws {
    let runs = NIOLockedValueBox(0)
    let task = PersistentTask(
      "loop", backoff: Backoff(minimum: .milliseconds(1), maximum: .milliseconds(2)), logger: logger
    ) {
      let run = runs.withLockedValue { count in
        count += 1
        return count
      }
      if run % 2 == 0 { throw Failure() }
    }
    let group = ServiceGroup(services: [task], logger: logger)
    async let ended: Void = group.run()
    try await eventually("five runs") { runs.withLockedValue { $0 } >= 5 }
    await group.triggerGracefulShutdown()
    try await ended
  }

  @Test("cancels a running body at the shutdown", .timeLimit(.minutes(1)))
  func cancels() async throws {
    let isRunning = NIOLockedValueBox(false)
    let task = PersistentTask("loop", logger: logger) {
      isRunning.withLockedValue { $0 = true }
      try await Task.sleep(for: .seconds(3600))
    }
    let group = ServiceGroup(services: [task], logger: logger)
    async let ended: Void = group.run()
    try await eventually("the body runs") { isRunning.withLockedValue { $0 } }
    await group.triggerGracefulShutdown()
    try await ended
  }
}
