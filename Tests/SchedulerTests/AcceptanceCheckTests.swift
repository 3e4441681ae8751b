import Contracts
import Testing

@testable import Scheduler

@Suite("What was accepted and what was queued")
struct AcceptanceCheckTests {
  private let start = ContinuousClock.now
  private let accepted = Timestamp(seconds: 1_000)
  private let ids = (0..<4).map { _ in MessageID.timeOrdered() }

  @Test("a message that is told and queued is nobody's concern, in either order and however often")
  func matched() {
    var check = AcceptanceCheck()
    check.hear(accepted: ids[0], at: accepted, body: [1], now: start)
    check.hear(queued: [ids[0], ids[1]], now: start)
    check.hear(accepted: ids[1], at: accepted, body: [2], now: start + .seconds(1))
    // Outbox and publisher repeat what they are not sure of.
    check.hear(accepted: ids[0], at: accepted, body: [1], now: start + .seconds(2))
    check.hear(queued: [ids[1]], now: start + .seconds(2))
    let later = start + .seconds(3_600)
    #expect(check.takeUnqueued(now: later).isEmpty && check.takeUntold(now: later).isEmpty && check.oldest == nil)
  }

  @Test("a message that is not queued within 20 s is offered again, once")
  func unqueued() {
    var check = AcceptanceCheck()
    check.hear(accepted: ids[0], at: accepted, body: [1], now: start)
    check.hear(accepted: ids[1], at: accepted, body: [2], now: start + .seconds(5))
    check.hear(queued: [ids[1]], now: start + .seconds(6))
    #expect(check.takeUnqueued(now: start + .seconds(19)).isEmpty)
    #expect(check.oldest == accepted)
    #expect(check.takeUnqueued(now: start + .seconds(20)).map(\.body) == [[1]])
    #expect(check.takeUnqueued(now: start + .seconds(60)).isEmpty && check.oldest == nil)
  }

  @Test("a queued message of which nobody tells within 5 s is told by the scheduler, once")
  func untold() {
    var check = AcceptanceCheck()
    check.hear(queued: [ids[0]], now: start)
    #expect(check.takeUntold(now: start + .seconds(4)).isEmpty)
    #expect(check.takeUntold(now: start + .seconds(5)) == [ids[0]])
    check.hear(queued: [ids[0]], now: start + .seconds(6))
    check.hear(accepted: ids[0], at: accepted, body: [1], now: start + .seconds(7))
    let later = start + .seconds(3_600)
    #expect(check.takeUntold(now: later).isEmpty && check.takeUnqueued(now: later).isEmpty)
  }

  @Test("what is waited for is bounded: the oldest go first")
  func bounded() {
    var check = AcceptanceCheck(limits: .init(bytes: 10))
    for id in ids { check.hear(accepted: id, at: accepted, body: [0, 0, 0, 0], now: start) }
    #expect(check.takeUnqueued(now: start + .seconds(20)).count == 2)
  }
}

@Suite("Batches of the inbox")
struct InboxBatchTests {
  @Test("two restarts under load slow nothing down; after nine each message comes alone")
  func sizes() {
    func size(_ times: Int) -> Int { Inbox.count(of: Array(repeating: times, count: 512)) }
    #expect([0, 1, 2, 3, 9, 200].map(size) == [256, 256, 128, 64, 1, 1])
  }

  @Test("a batch ends before messages that make it too large")
  func mixed() {
    #expect(Inbox.count(of: Array(repeating: 0, count: 100) + Array(repeating: 9, count: 10)) == 100)
    #expect(Inbox.count(of: Array(repeating: 0, count: 100) + Array(repeating: 2, count: 100)) == 128)
    #expect(Inbox.count(of: []) == 0)
  }
}

@Suite("Facts cut by bytes")
struct ChunkTests {
  @Test("runs are bounded in number and in bytes, and what is too large is alone")
  func chunks() {
    let sizes = [1, 1, 1, 9, 1, 20, 1]
    #expect(sizes.chunks(of: 3, bytes: 10) { $0 } == [[1, 1, 1], [9, 1], [20], [1]])
    #expect([Int]().chunks(of: 3, bytes: 10) { $0 }.isEmpty)
  }
}
