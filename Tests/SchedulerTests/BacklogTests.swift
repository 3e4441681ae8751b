import Contracts
import Metering
import TestSupport
import Testing

@testable import Scheduler

/// A flow's store, as SQL would have it, and the queue in memory beside it.
@Suite("Backlog")
struct BacklogTests {
  private let key = FlowKey(messageClass: .normal, userID: .timeOrdered())

  private func queue() -> DispatchQueue {
    DispatchQueue(
      board: ProviderBoard(
        providers: [
          ProviderState(
            name: "fast",
            limit: ProviderLimit(count: 1_000_000, windowMilliseconds: 1000, pacing: .sliding, version: 1),
            now: -1)
        ], globalRate: nil, now: -1))
  }

  private func entry(_ span: MessageSpan) -> QueueEntry {
    QueueEntry(flow: key, flowID: 1, weight: 1, span: span)
  }

  @Test(
    "paused, cancelled, scheduled and resumed messages go in the order of their numbers, each unit once",
    arguments: 0..<20)
  func order(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    var queue = queue()
    var waiting: [MessageSpan] = []
    var apart: [MessageSpan] = []
    var next: Int64 = 0
    var served: [UnitID] = []
    var cursors: [MessageID: Int] = [:]
    func serve(_ limit: Int) throws {
      while served.count < limit {
        let plan = try queue.plan(limit: limit - served.count, now: 0)
        for pick in plan.picks {
          queue.board.settle(pick.attempt, at: "fast", now: 0)
          let first = try #require(waiting.min { $0.firstNumber < $1.firstNumber })
          #expect(pick.unit == UnitID(messageID: first.messageID, index: first.cursor), "the oldest number goes next")
          served.append(pick.unit)
          cursors[first.messageID] = first.cursor + 1
          let place = try #require(waiting.firstIndex { $0.messageID == first.messageID })
          waiting[place].cursor += 1
          if waiting[place].rest == 0 { waiting.remove(at: place) }
        }
        if let missing = plan.missing.first {
          let page = waiting.filter { $0.firstNumber > missing.after }.sorted { $0.firstNumber < $1.firstNumber }
          let isInStep = queue.fill(key, with: Array(page.prefix(Backlog.pageSize)))
          #expect(isInStep)
        } else if plan.picks.isEmpty {
          return
        }
      }
    }
    for _ in 0..<600 {
      switch Int.random(in: 0..<8, using: &random) {
      case 0...3:
        let span = MessageSpan(
          messageID: .timeOrdered(), firstNumber: next, cursor: 0, total: Int.random(in: 1...3, using: &random),
          segments: 1)
        next += Int64(span.total)
        if Int.random(in: 0..<4, using: &random) == 0 {
          apart.append(span)
        } else {
          waiting.append(span)
          queue.admit(entry(span))
        }
      case 4 where !apart.isEmpty:
        let span = apart.remove(at: Int.random(in: apart.indices, using: &random))
        waiting.append(span)
        queue.admit(entry(span))
      case 5 where !waiting.isEmpty:
        let span = waiting.remove(at: Int.random(in: waiting.indices, using: &random))
        queue.withdraw(entry(span))
        if Bool.random(using: &random) { apart.append(span) }
      default:
        try serve(served.count + Int.random(in: 0...3, using: &random))
      }
      let left = waiting.reduce(0) { $0 + $1.rest }
      #expect(queue.backlog(of: key) == left)
    }
    try serve(.max)
    #expect(queue.isEmpty && waiting.isEmpty)
    #expect(Set(served).count == served.count)
  }

  @Test("a user who is held back gets nothing, what comes meanwhile waits, and nothing is lost")
  func held() throws {
    var queue = queue()
    let span = MessageSpan(messageID: .timeOrdered(), firstNumber: 0, cursor: 0, total: 10, segments: 1)
    queue.admit(entry(span))
    queue.hold(key.userID, true)
    let none = try queue.plan(limit: 100, now: 0).picks.count
    queue.admit(
      entry(MessageSpan(messageID: .timeOrdered(), firstNumber: 10, cursor: 0, total: 5, segments: 1)))
    #expect(none == 0 && queue.isEmpty)
    queue.hold(key.userID, false)
    let all = try queue.plan(limit: 100, now: 0).picks.count
    #expect(all == 15)
  }

  @Test("with sending stopped nothing goes, and everything waits")
  func stopped() throws {
    var queue = queue()
    queue.admit(entry(MessageSpan(messageID: .timeOrdered(), firstNumber: 0, cursor: 0, total: 3, segments: 1)))
    queue.isSending = false
    let none = try queue.plan(limit: 100, now: 0).picks.count
    queue.isSending = true
    let all = try queue.plan(limit: 100, now: 0).picks.count
    #expect([none, all] == [0, 3])
  }
}
