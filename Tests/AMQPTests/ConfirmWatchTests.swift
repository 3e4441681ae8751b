import Testing

@testable import AMQP

@Suite struct ConfirmWatchTests {
  private let start = ContinuousClock.now
  private let limits = ConfirmWatch.Limits.forHosts(3)

  @Test("A host that answers nothing for 3 s is left, when there is another")
  func silence() {
    var watch = ConfirmWatch(limits)
    #expect(watch.deadline(oldest: nil) == nil, "nothing was published")
    watch.published(now: start)
    watch.published(now: start + .seconds(2))
    #expect(watch.deadline(oldest: start) == start + .seconds(3))
    #expect(watch.doubtAt == start + .seconds(3))
  }

  @Test("Each answer gives the host another 3 s, and with nothing unconfirmed any time")
  func answers() {
    var watch = ConfirmWatch(limits)
    watch.published(now: start)
    watch.answered(isConfirmed: true, outstanding: 2, now: start + .seconds(2))
    #expect(watch.deadline(oldest: start + .seconds(1)) == start + .seconds(5))
    watch.answered(isConfirmed: true, outstanding: 0, now: start + .seconds(3))
    #expect(watch.deadline(oldest: nil) == nil)
    #expect(watch.doubtAt == nil)
  }

  @Test(
    "One message that is not confirmed for 6 s is enough, whatever is confirmed beside it; then the host is not blamed")
  func overdue() {
    var watch = ConfirmWatch(limits)
    watch.published(now: start)
    watch.answered(isConfirmed: true, outstanding: 1, now: start + .seconds(5))
    #expect(watch.deadline(oldest: start) == start + .seconds(6))
    #expect(!watch.isSilent(now: start + .seconds(6)) && watch.isSilent(now: start + .seconds(8)))
  }

  @Test("A host that says no for 6 s and never yes is left, an old no means nothing")
  func refusals() {
    var watch = ConfirmWatch(limits)
    watch.published(now: start)
    watch.answered(isConfirmed: false, outstanding: 0, now: start + .seconds(1))
    for second in 2...5 {
      watch.published(now: start + .seconds(second))
      watch.answered(isConfirmed: false, outstanding: 0, now: start + .seconds(second))
    }
    watch.published(now: start + .seconds(6))
    #expect(watch.deadline(oldest: start + .seconds(6)) == start + .seconds(7))
    watch.answered(isConfirmed: false, outstanding: 0, now: start + .seconds(6))
    watch.published(now: start + .seconds(60))
    #expect(watch.deadline(oldest: start + .seconds(60)) == start + .seconds(63))
  }

  @Test("A blocked broker is not silent")
  func blocked() {
    var watch = ConfirmWatch(limits)
    watch.published(now: start)
    watch.pause()
    #expect(watch.deadline(oldest: start) == nil)
    watch.goOn(outstanding: 1, now: start + .seconds(60))
    #expect(watch.deadline(oldest: start + .seconds(55)) == start + .seconds(63))
  }

  @Test("Without another host the connection is kept for longer, and distrusted after 5 s")
  func alone() {
    var watch = ConfirmWatch(.forHosts(1))
    watch.published(now: start)
    #expect(watch.doubtAt == start + .seconds(5))
    #expect(watch.deadline(oldest: start) == start + .seconds(10))
  }
}

@Suite struct SilenceWatchTests {
  private let start = ContinuousClock.now

  @Test("A stream that was never silent for long is left when it is, ever more rarely while nothing comes")
  func silence() {
    var watch = SilenceWatch(limit: .seconds(6))
    #expect(watch.deadline == nil)
    var waits: [Duration] = []
    for _ in 0..<6 {
      watch.began(now: start)
      waits.append((watch.deadline ?? start) - start)
      watch.gaveUp()
      #expect(watch.deadline == nil)
    }
    #expect(waits == [6, 12, 24, 48, 60, 60].map { .seconds($0) })
    watch.began(now: start)
    watch.heard(now: start + .seconds(1))
    #expect(watch.deadline == start + .seconds(7))
    watch.stopped()
    #expect(watch.deadline == nil)
  }
}
