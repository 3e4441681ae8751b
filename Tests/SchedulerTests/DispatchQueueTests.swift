import Contracts
import Metering
import Testing

@testable import Scheduler

@Suite("Dispatch queue")
struct DispatchQueueTests {
  private let key = FlowKey(messageClass: .normal, userID: .timeOrdered())

  private func queue(rates: [String: Int] = ["hkt": 2], global: Double? = nil) -> DispatchQueue {
    DispatchQueue(
      board: ProviderBoard(
        providers: rates.sorted { $0.key < $1.key }.map { name, rate in
          ProviderState(
            name: name, limit: ProviderLimit(count: rate, windowMilliseconds: 1000, pacing: .sliding, version: 1),
            now: -1)
        }, globalRate: global, now: -1))
  }

  private func span(_ count: Int, from number: Int64 = 0) -> MessageSpan {
    MessageSpan(messageID: .timeOrdered(), firstNumber: number, cursor: 0, total: count, segments: 1)
  }

  private func add(_ spans: [MessageSpan], to queue: inout DispatchQueue) {
    for span in spans { queue.admit(QueueEntry(flow: key, flowID: 1, weight: 1, span: span)) }
  }

  @Test("at 2/s two go at once, the next not before credit comes back")
  func credit() throws {
    var queue = queue()
    add([span(10)], to: &queue)
    let first = try queue.plan(limit: 100, now: 0)
    let counts = [first.picks.count, try queue.plan(limit: 100, now: 60).picks.count]
    #expect(counts == [2, 0])
    for pick in first.picks { queue.board.settle(pick.attempt, at: "hkt", now: 60) }
    queue.board.learn(at: "hkt", latencies: [0.01], gateOpensAt: 61)
    let later = try [60.0, 60.9, 60.95].map { try queue.plan(limit: 100, now: $0).picks.count }
    #expect(later == [0, 0, 2])
  }

  @Test("messages go in order, their units in order, each once")
  func order() throws {
    var queue = queue(rates: ["fast": 1000])
    let spans = [span(3), span(2, from: 3)]
    add(spans, to: &queue)
    let plan = try queue.plan(limit: 100, now: 0)
    #expect(
      plan.picks.map(\.unit)
        == spans.flatMap { span in (0..<span.total).map { UnitID(messageID: span.messageID, index: $0) } })
    #expect(queue.isEmpty)
  }

  @Test("a unit that came back goes first, under its next dispatch number")
  func returned() throws {
    var queue = queue(rates: ["fast": 1000])
    add([span(5)], to: &queue)
    let first = try queue.plan(limit: 1, now: 0)
    let unit = ReturnedUnit(
      unit: first.picks[0].unit, expectedDispatch: 1, expectedState: .pending, nextDispatch: 1, segments: 1)
    queue.giveBack(unit, flow: key, at: "fast")
    let next = try queue.plan(limit: 1, now: 0)
    #expect(next.picks.map(\.attempt) == [AttemptID(unit: unit.unit, dispatch: 1)])
  }

  @Test("a unit that is sent again in another flow goes when that flow's turn comes, and can be taken out of it")
  func replayed() throws {
    var queue = queue(rates: ["fast": 1000])
    let flow = FlowKey(messageClass: .bulk, userID: key.userID, provider: "fast")
    let units = (0..<2).map {
      ReturnedUnit(
        unit: UnitID(messageID: .timeOrdered(), index: $0), expectedDispatch: 5, expectedState: .pending,
        nextDispatch: 5, segments: 1)
    }
    queue.register(flow, id: 7, weight: 1)
    for unit in units { queue.readmit(unit, flow: flow) }
    queue.withdraw([units[0].unit], from: flow)
    let plan = try queue.plan(limit: 10, now: 0)
    #expect(plan.picks.map(\.attempt) == [AttemptID(unit: units[1].unit, dispatch: 5)])
    #expect(plan.tags[flow]?.flowID == 7 && queue.isEmpty)
  }

  @Test("what is not in memory is asked for, and nothing overtakes it")
  func pages() throws {
    var queue = queue(rates: ["fast": 100_000])
    add((0..<200).map { span(1, from: Int64($0)) }, to: &queue)
    let plan = try queue.plan(limit: 1000, now: 0)
    #expect(plan.picks.count == Backlog.pageSize)
    #expect(plan.missing.first?.after == Int64(Backlog.pageSize - 1))
    let filled = queue.fill(key, with: (64..<128).map { span(1, from: Int64($0)) })
    #expect(filled)
    let next = try queue.plan(limit: 1000, now: 0)
    #expect(next.picks.count == 64)
    let empty = queue.fill(key, with: [])
    #expect(!empty, "less in the store than counted must be noticed")
  }

  @Test("three equal providers share evenly, under a global rate together")
  func rotation() throws {
    var queue = queue(rates: ["a": 50, "b": 50, "c": 50], global: 60)
    add([span(1000)], to: &queue)
    var sent: [String: Int] = [:]
    for step in 0..<1000 {
      let plan = try queue.plan(limit: 256, now: Double(step) / 100)
      for (name, picks) in Dictionary(grouping: plan.picks, by: \.provider) {
        sent[name, default: 0] += picks.count
        for pick in picks { queue.board.settle(pick.attempt, at: name, now: Double(step) / 100) }
      }
    }
    #expect((580...600).contains(sent.values.reduce(0, +)))
    #expect(sent.values.allSatisfy { abs($0 - 195) <= 5 })
  }

  @Test("after a change of leader a user who was served much is not behind those who are new")
  func restored() throws {
    func flow(_ key: FlowKey, _ id: Int64, tag: Int64, waiting: Int) -> TakeOver.Flow {
      TakeOver.Flow(
        key: key, id: id, weight: 1, tags: ["fast": tag], headNumber: 0, endNumber: Int64(waiting),
        nextNumber: Int64(waiting),
        unloaded: waiting)
    }
    let served = FlowKey(messageClass: .normal, userID: .timeOrdered())
    var queue = queue(rates: ["fast": 100_000])
    queue.restore([flow(served, 1, tag: 50_000 * VirtualTime.unit, waiting: 0)], held: [])
    queue.admit(QueueEntry(flow: key, flowID: 2, weight: 1, span: span(50)))
    let single = MessageSpan(messageID: .timeOrdered(), firstNumber: 9, cursor: 0, total: 1, segments: 1)
    queue.admit(QueueEntry(flow: served, flowID: 1, weight: 1, span: single))
    let first = try queue.plan(limit: 3, now: 0).picks.map(\.flow)
    #expect(first.contains(served))
  }

  @Test("an SMS of many segments takes as many slots where segments are counted")
  func segments() throws {
    var queue = queue(rates: ["hkt": 2])
    let cost = queue.board.cost(of: 5, at: "hkt")
    #expect(cost == 1)
    add([span(1)], to: &queue)
    #expect(try queue.plan(limit: 1, now: 0).picks.first?.cost == 1)
  }
}
