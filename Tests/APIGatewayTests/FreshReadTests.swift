import Contracts
import NIOConcurrencyHelpers
import Testing

@testable import APIGateway

@Suite("Reading what was just accepted")
struct FreshReadTests {
  private let now = Timestamp.now()

  @Test("Only a row whose time the read side passed well ago is certainly absent")
  func verdict() {
    let old = now + .seconds(-60)
    #expect(FreshRead.verdict(idTime: old, logTime: now, now: now) == .absent)
    #expect(FreshRead.verdict(idTime: old, logTime: old, now: now) == .wait)
    #expect(FreshRead.verdict(idTime: old, logTime: nil, now: now) == .wait)
    #expect(FreshRead.verdict(idTime: now + .seconds(-1), logTime: now, now: now) == .wait)
    #expect(FreshRead.verdict(idTime: now + .seconds(3600), logTime: nil, now: now) == .absent)
  }

  @Test("A row that comes through within the time is found")
  func found() async throws {
    let reads = NIOLockedValueBox(0)
    let fresh = FreshRead(watch: ProgressWatch(interval: .milliseconds(1)) { nil })
    let row = try await fresh.row(.timeOrdered()) { () -> Int? in
      reads.withLockedValue {
        $0 += 1
        return $0 > 5 ? 7 : nil
      }
    }
    #expect(row == 7)
  }

  @Test("A read side that stays behind is a 503 and one that is not is a 404")
  func behind() async throws {
    let id = MessageID.timeOrdered(at: now + .seconds(-60))
    let late = FreshRead(
      watch: ProgressWatch(interval: .milliseconds(1)) { [now] in now + .seconds(-120) }, patience: .milliseconds(20))
    await #expect(throws: APIError.self) { try await late.row(id) { nil as Int? } }
    let upToDate = FreshRead(watch: ProgressWatch(interval: .milliseconds(1)) { .now() })
    #expect(try await upToDate.row(id) { nil as Int? } == nil)
    // An id without a time is not waited for.
    #expect(try await late.row(.derived(from: [[1]])) { nil as Int? } == nil)
  }

  @Test("Many who wait share one poll")
  func sharing() async throws {
    let polls = NIOLockedValueBox(0)
    let watch = ProgressWatch(interval: .milliseconds(50)) {
      polls.withLockedValue { $0 += 1 }
      return nil
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<20 { group.addTask { _ = try await watch.next() } }
      try await group.waitForAll()
    }
    #expect(polls.withLockedValue { $0 } < 20)
  }
}
