import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle
import Testing
import TestSupport

@testable import ServiceKit

@Suite("A service's process")
struct ServiceProcessTests {
  private struct Failure: Error {}

  private struct Waiting: Service {
    func run() async throws { try await gracefulShutdown() }
  }

  private struct Failing: Service {
    func run() async throws { throw Failure() }
  }

  private struct Returning: Service {
    func run() async throws {}
  }

  /// Ignores the shutdown until it is let go.
  private struct Stubborn: Service, CustomStringConvertible {
    let gate: AsyncStream<Void>
    var description: String { "stubborn" }
    func run() async throws { for await _ in gate {} }
  }

  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func shutDown(_ phase: NIOLockedValueBox<ServiceRunner.Phase>) async throws {
    try await eventually(within: .seconds(5), "the process runs") {
      if case .running = phase.withLockedValue({ $0 }) { true } else { false }
    }
    if case .running(let begin) = phase.withLockedValue({ $0 }) { begin(15) }
  }

  @Test("ends with 0 after a graceful shutdown")
  func graceful() async throws {
    let phase = NIOLockedValueBox(ServiceRunner.Phase.starting)
    let process = ServiceProcess(services: [Waiting(), Waiting()], limit: .seconds(5), logger: logger)
    async let code = process.run(phase)
    try await shutDown(phase)
    #expect(await code == 0)
  }

  @Test("ends with 1 when a service fails, and the others shut down")
  func failure() async {
    let process = ServiceProcess(services: [Waiting(), Failing()], limit: .seconds(5), logger: logger)
    #expect(await process.run(NIOLockedValueBox(.starting)) == 1)
  }

  @Test("ends with 1 when a service returns before it was asked to")
  func earlyReturn() async {
    let process = ServiceProcess(services: [Waiting(), Returning()], limit: .seconds(5), logger: logger)
    #expect(await process.run(NIOLockedValueBox(.starting)) == 1)
  }

  /// Done as soon as another service tells it so.
  private struct Dependent: Service {
    let end: AsyncStream<Void>
    var failure: Failure?

    func run() async throws {
      for await _ in end {}
      if let failure { throw failure }
    }
  }

  /// Ends others first, and then has something to finish.
  private struct Finishing: Service {
    let others: AsyncStream<Void>.Continuation
    let isFinished: NIOLockedValueBox<Bool>

    func run() async throws {
      try await gracefulShutdown()
      others.finish()
      // Cancelled when the group takes the other's end for a failure.
      try await Task.sleep(for: .milliseconds(200))
      isFinished.withLockedValue { $0 = true }
    }
  }

  @Test(
    "a service that is done before its turn, well or not, does not cut short what another finishes",
    arguments: [false, true])
  func doneBeforeItsTurn(fails: Bool) async throws {
    let (end, letGo) = AsyncStream.makeStream(of: Void.self)
    let isFinished = NIOLockedValueBox(false)
    let phase = NIOLockedValueBox(ServiceRunner.Phase.starting)
    let process = ServiceProcess(
      services: [
        Waiting(), Dependent(end: end, failure: fails ? Failure() : nil),
        Finishing(others: letGo, isFinished: isFinished),
      ],
      limit: .seconds(5), logger: logger)
    async let code = process.run(phase)
    try await shutDown(phase)
    #expect(await code == (fails ? 1 : 0))
    #expect(isFinished.withLockedValue { $0 })
  }

  @Test("is ended when the shutdown takes longer than its limit")
  func overdue() async throws {
    let (gate, letGo) = AsyncStream.makeStream(of: Void.self)
    let wasOverdue = NIOLockedValueBox(false)
    let phase = NIOLockedValueBox(ServiceRunner.Phase.starting)
    var process = ServiceProcess(services: [Stubborn(gate: gate)], limit: .milliseconds(50), logger: logger)
    process.onOverdue = {
      wasOverdue.withLockedValue { $0 = true }
      letGo.finish()
    }
    async let code = process.run(phase)
    try await shutDown(phase)
    _ = await code
    #expect(wasOverdue.withLockedValue { $0 })
  }
}
