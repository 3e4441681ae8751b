import Contracts
import Foundation
import NIOConcurrencyHelpers
import Testing

@testable import APIGateway

@Suite("Reading what was just accepted")
struct FreshReadTests {
  private let now = Timestamp.now()

  @Test("A message is absent when what the read side has taken in is certainly later than its own fact")
  func horizon() {
    let recent = Timestamp(microseconds: (now + .seconds(-1)).microseconds / 1000 * 1000)
    #expect(FreshRead.horizon(of: .timeOrdered(at: recent), now: now) == recent + FreshRead.disorder)
    #expect(FreshRead.horizon(of: .timeOrdered(at: now + .seconds(3600)), now: now) == nil)
    #expect(FreshRead.horizon(of: .derived(from: [[1]]), now: now) == now)
    #expect(FreshRead.horizon(of: MessageID(UUID()), now: now) == nil, "no id of ours")
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
    let absent = try await upToDate.row(id) { nil as Int? }
    #expect(absent == nil)
    // What the read side has taken in may have been said before and written after the message's own fact.
    let inDoubt = FreshRead(
      watch: ProgressWatch(interval: .milliseconds(1)) { .now() }, patience: .milliseconds(20))
    await #expect(throws: APIError.self) { try await inDoubt.row(.timeOrdered()) { nil as Int? } }
    // An id from an Idempotency-Key is waited for too, one that nobody gave is not.
    await #expect(throws: APIError.self) { try await late.row(.derived(from: [[1]])) { nil as Int? } }
    let foreign = try await late.row(MessageID(UUID())) { nil as Int? }
    #expect(foreign == nil)
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
