import Contracts
import Metering
import Testing

@testable import Scheduler

/// What is expected of a provider comes from what it did while there was something to send, and from nothing else.
@Suite("The measured use of a provider")
struct MeasuredUseTests {
  private let flow = FlowKey(messageClass: .bulk, userID: .timeOrdered())
  private let entry: QueueEntry

  init() {
    entry = QueueEntry(
      flow: flow, flowID: 1, weight: 1,
      span: MessageSpan(messageID: .timeOrdered(), firstNumber: 0, cursor: 0, total: 1000, segments: 1))
  }

  private func queue() -> DispatchQueue {
    let limit = ProviderLimit(count: 2, windowMilliseconds: 1000, pacing: .sliding, version: 1)
    return DispatchQueue(
      board: ProviderBoard(providers: [ProviderState(name: "a", limit: limit, now: -1)], globalRate: nil, now: -1))
  }

  /// As the leader does: plans, and learns from the reports, twice a second.
  private func run(_ queue: inout DispatchQueue, from start: Double, seconds: Double) throws {
    var now = start
    while now < start + seconds {
      let picks = try queue.plan(limit: 10, now: now).picks
      for pick in picks { queue.board.settle(pick.attempt, at: "a", now: now) }
      if !picks.isEmpty { queue.board.noteDone(picks.count, at: "a", now: now, isBacklogged: !queue.isEmpty) }
      now += 0.5
    }
  }

  private func expected(_ queue: DispatchQueue, now: Double) throws -> Double {
    try #require(queue.board["a"]).expectedRate(now: now)
  }

  @Test("time in which nobody waits does not count, whatever ended the backlog: a cancellation, the switch, a pause")
  func takenAway() throws {
    var cancelled = queue()
    cancelled.admit(entry)
    try run(&cancelled, from: 0, seconds: 5)
    cancelled.withdraw(entry)
    try run(&cancelled, from: 5, seconds: 40)
    cancelled.admit(entry)
    try run(&cancelled, from: 45, seconds: 2)
    #expect(try expected(cancelled, now: 47) > 1.5)

    var stopped = queue()
    stopped.admit(entry)
    try run(&stopped, from: 0, seconds: 5)
    stopped.isSending = false
    try run(&stopped, from: 5, seconds: 40)
    stopped.isSending = true
    try run(&stopped, from: 45, seconds: 2)
    #expect(try expected(stopped, now: 47) > 1.5)

    var paused = queue()
    paused.admit(entry)
    try run(&paused, from: 0, seconds: 5)
    paused.board.update("a") { $0.pause = .credentials }
    try run(&paused, from: 5, seconds: 40)
    paused.board.update("a") { $0.pause = nil }
    try run(&paused, from: 45, seconds: 2)
    #expect(try expected(paused, now: 47) > 1.5)
  }

  @Test("what was measured holds for the next backlog, not for one long after, however many short ones are between")
  func memory() {
    var use = MeasuredUse()
    for second in 0...20 { use.note(second % 2, now: Double(second), isBacklogged: true) }
    #expect(use.rate == 0.5)
    use.note(0, now: 21, isBacklogged: false)
    use.note(1, now: 70, isBacklogged: true)
    #expect(use.rate == 0.5)
    use.note(1, now: 81, isBacklogged: true)
    #expect(use.rate != nil, "measured anew")
    for burst in stride(from: 90.0, through: 150, by: 10) {
      use.note(1, now: burst, isBacklogged: true)
      use.note(0, now: burst + 5, isBacklogged: false)
    }
    #expect(use.rate == nil)
  }

  @Test("answers that take longer than that are measured all the same")
  func slow() {
    var use = MeasuredUse()
    for round in 0...3 { use.note(1, now: Double(round) * 70, isBacklogged: true) }
    #expect(use.rate.map { abs($0 - 1.0 / 70) < 1e-9 } == true)
  }
}
