import Contracts
import Testing

@testable import Scheduler

@Suite("The ledger's schedule, cut and order")
struct LedgerScheduleTests {
  private let start = ContinuousClock.now

  @Test("the first count comes soon after the term began, and never two at once")
  func first() {
    var schedule = LedgerSchedule(now: start)
    let early = schedule.begin(now: start + .seconds(4))
    let first = schedule.begin(now: start + .seconds(5))
    let second = schedule.begin(now: start + .seconds(60))
    #expect(!early && first && !second)
  }

  @Test("a count that takes long is followed by a pause twenty times as long")
  func pauses() {
    var schedule = LedgerSchedule(now: start)
    var now = start + .seconds(5)
    _ = schedule.begin(now: now)
    schedule.end(now: now + .milliseconds(100))
    let soon = schedule.begin(now: now + .milliseconds(9_900))
    now += .seconds(10)
    let next = schedule.begin(now: now)
    schedule.end(now: now + .seconds(2))
    let afterSlow = schedule.begin(now: now + .seconds(39))
    let afterPause = schedule.begin(now: now + .seconds(40))
    #expect(!soon && next && !afterSlow && afterPause)
  }

  @Test("a snapshot that is taken after the loop has gone on is refused")
  func late() async {
    let inTime = LedgerCut()
    let isTaken = inTime.take()
    await inTime.wait(atMost: .seconds(10))
    let late = LedgerCut()
    await late.wait(atMost: .milliseconds(5))
    let isTakenLate = late.take()
    #expect(isTaken && !isTakenLate)
  }

  @Test("a count gets its mark when it is ready and no sooner, and waits no longer than told")
  func meeting() async {
    let cut = LedgerCut()
    #expect(!cut.isReady)
    cut.ready()
    #expect(cut.isReady)
    let mark = EnvelopeID.timeOrdered()
    cut.mark(mark)
    let got = await cut.marked(atMost: .seconds(10))
    #expect(got == mark && !cut.isReady && cut.take())
    let late = LedgerCut()
    late.ready()
    let none = await late.marked(atMost: .milliseconds(5))
    #expect(none == nil && !late.isReady, "nobody marks for it any more")
    let failed = LedgerCut()
    failed.giveUp()
    failed.ready()
    #expect(!failed.isReady)
  }

  @Test("what a count waits for is no reason for a longer pause")
  func waiting() {
    var schedule = LedgerSchedule(now: start)
    let now = start + .seconds(5)
    _ = schedule.begin(now: now)
    schedule.mark(now: now + .seconds(4))
    schedule.end(now: now + .seconds(4.1))
    let early = schedule.begin(now: now + .seconds(13))
    let next = schedule.begin(now: now + .seconds(14))
    #expect(!early && next)
  }

  @Test("a mark is published alone, between what was written before and after it")
  func marks() {
    func entry(_ id: Int64, _ type: MessageType) -> OutboxEntry {
      OutboxEntry(id: id, type: type.rawValue, envelopeID: .timeOrdered(), body: [])
    }
    let entries = [
      entry(1, .ledgerMarked), entry(2, .unitChanged), entry(3, .messageQueued), entry(4, .ledgerMarked),
      entry(5, .unitChanged),
    ]
    #expect(entries.aroundCuts.map { $0.map(\.id) } == [[1], [2, 3], [4], [5]])
    #expect([OutboxEntry]().aroundCuts.isEmpty)
  }
}
