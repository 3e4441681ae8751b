import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle
import TestSupport
import Testing

@testable import APIGateway

@Suite("A periodic task")
struct PeriodicTaskTests {
  private struct Failure: Error {}

  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test("goes on after failures, and at a stop does its work once more if asked", .timeLimit(.minutes(1)))
  func goesOn() async throws {
    let runs = NIOLockedValueBox(0)
    let once = NIOLockedValueBox(0)
    let task = PeriodicTask(every: .milliseconds(1), failure: "failed", logger: logger) {
      runs.withLockedValue { $0 += 1 }
      throw Failure()
    }
    let late = PeriodicTask(every: .seconds(3_600), atStop: .seconds(5), failure: "failed", logger: logger) {
      once.withLockedValue { $0 += 1 }
    }
    let group = ServiceGroup(services: [task, late], logger: logger)
    async let ended: Void = group.run()
    try await eventually("five runs") { runs.withLockedValue { $0 } >= 5 }
    #expect(once.withLockedValue { $0 } == 0)
    await group.triggerGracefulShutdown()
    try await ended
    #expect(once.withLockedValue { $0 } == 1)
  }

  @Test("is not held up at a stop by work that does not end", .timeLimit(.minutes(1)))
  func stops() async throws {
    let hasBegun = NIOLockedValueBox(false)
    let task = PeriodicTask(every: .milliseconds(1), atStop: .milliseconds(50), failure: "failed", logger: logger) {
      hasBegun.withLockedValue { $0 = true }
      try await Task.sleep(for: .seconds(3_600))
    }
    let group = ServiceGroup(services: [task], logger: logger)
    async let ended: Void = group.run()
    try await eventually("the work is under way") { hasBegun.withLockedValue { $0 } }
    await group.triggerGracefulShutdown()
    try await ended
  }
}
