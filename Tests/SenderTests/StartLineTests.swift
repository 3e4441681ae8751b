import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import Sender

@Suite("Requests that have not begun")
struct StartLineTests {
  @Test("a lane waits while as many as its limit stand there, and goes on when one has begun")
  func waits() async throws {
    let line = StartLine()
    let requests = (0..<3).map { _ in FirstByte(on: line) }
    await line.whenFewer(than: 4)
    let hasGone = NIOLockedValueBox(false)
    let lane = Task {
      await line.whenFewer(than: 2)
      hasGone.withLockedValue { $0 = true }
    }
    requests[0].note(.now)
    let early = hasGone.withLockedValue { $0 }
    #expect(!early, "two are left")
    requests[1].ended()
    await lane.value
  }

  @Test("a request leaves once, be it begun or ended, or both")
  func once() async {
    let line = StartLine()
    let (first, second) = (FirstByte(on: line), FirstByte(on: line))
    first.note(.now)
    first.ended()
    #expect(first.instant != nil && second.instant == nil)
    let lane = Task { await line.whenFewer(than: 1) }
    second.ended()
    await lane.value
  }
}
