import Foundation
import NIOConcurrencyHelpers
import Testing

@testable import ServiceKit

@Suite("A signal trap", .serialized)
struct SignalTrapTests {
  @Test("hands over a signal that came before anybody listened")
  func earlySignal() async throws {
    let trap = SignalTrap([SIGUSR1])
    kill(getpid(), SIGUSR1)
    let signal = await withCheckedContinuation { continuation in
      trap.onFirst { continuation.resume(returning: $0) }
    }
    #expect(signal == SIGUSR1)
  }
}
