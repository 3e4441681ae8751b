import Contracts
import TestSupport
import Testing

@testable import Metering

@Suite("Fair queue")
struct FairQueueTests {
  private func flow(_ messageClass: MessageClass, provider: String? = nil) -> FlowKey {
    FlowKey(messageClass: messageClass, userID: .timeOrdered(), provider: provider)
  }

  private func queue(_ flows: [(FlowKey, count: Int, weight: Double)]) -> FairQueue {
    var queue = FairQueue()
    for (number, flow) in flows.enumerated() {
      queue.register(flow.0, id: Int64(number), weight: flow.weight)
      queue.add(flow.count, to: flow.0)
    }
    return queue
  }

  /// Serves so many SMS and counts them by flow.
  private func serve(_ count: Int, _ queue: inout FairQueue) -> [FlowKey: Int] {
    var served: [FlowKey: Int] = [:]
    for _ in 0..<count {
      guard let key = queue.next(where: { _ in true }) else { break }
      queue.serve(key)
      served[key, default: 0] += 1
    }
    return served
  }

  @Test("one user alone gets everything, in full")
  func alone() {
    let bulk = flow(.bulk)
    var queue = queue([(bulk, 1000, 1)])
    let served = serve(2000, &queue)
    #expect(served == [bulk: 1000])
    #expect(queue.backlog == 0)
  }

  @Test("an idle user's single SMS is next within one turn, whatever another has queued")
  func newcomer() {
    let heavy = flow(.normal)
    var queue = queue([(heavy, 100_000, 1)])
    _ = serve(500, &queue)
    let light = flow(.normal)
    queue.register(light, id: 9, weight: 1)
    queue.add(1, to: light)
    let served = serve(2, &queue)
    #expect(served[light] == 1)
  }

  @Test("classes share 16 : 4 : 1 while all are backlogged")
  func classes() {
    let flows = [flow(.urgent), flow(.normal), flow(.bulk)]
    var queue = queue(flows.map { ($0, 10_000, 1) })
    let served = serve(2100, &queue)
    #expect(abs(served[flows[0], default: 0] - 1600) <= 2)
    #expect(abs(served[flows[1], default: 0] - 400) <= 2)
    #expect(abs(served[flows[2], default: 0] - 100) <= 2)
  }

  @Test("a thousand bulk users do not push urgent below its share")
  func manyBulkUsers() {
    let urgent = flow(.urgent)
    var queue = queue([(urgent, 5000, 1)] + (0..<1000).map { _ in (flow(.bulk), 100, 1) })
    let served = serve(1700, &queue)
    #expect(served[urgent, default: 0] >= 1599)
  }

  @Test("users of one class share by weight")
  func weights() {
    let (three, one) = (flow(.normal), flow(.normal))
    var queue = queue([(three, 10_000, 3), (one, 10_000, 1)])
    let served = serve(4000, &queue)
    #expect(abs(served[three, default: 0] - 3000) <= 2)
    #expect(abs(served[one, default: 0] - 1000) <= 2)
  }

  @Test("a user's flows in one class share the user's weight")
  func splitUser() {
    let user = UserID.timeOrdered()
    let flows = ["a", "b"].map { FlowKey(messageClass: .normal, userID: user, provider: $0) }
    let other = flow(.normal)
    var queue = queue([(flows[0], 10_000, 1), (flows[1], 10_000, 1), (other, 10_000, 1)])
    let served = serve(4000, &queue)
    #expect(abs(served[other, default: 0] - 2000) <= 4)
    #expect(abs(served[flows[0], default: 0] - 1000) <= 4)
  }

  @Test("what is pinned to a closed provider hides nothing behind it")
  func closedProvider() {
    let pinned = flow(.urgent, provider: "closed")
    let free = flow(.bulk)
    var queue = queue([(pinned, 10, 1), (free, 10, 1)])
    let next = [
      queue.next(where: { $0.pinned != "closed" }), queue.next(where: { _ in true }),
      queue.next(where: { $0.pinned == "other" }),
    ]
    #expect(next == [free, pinned, nil])
  }

  @Test("an SMS that came back unsent gets its turn back")
  func givenBack() throws {
    let (first, second) = (flow(.normal), flow(.normal))
    var queue = queue([(first, 100, 1), (second, 100, 1)])
    let next = queue.next(where: { _ in true })
    let served = try #require(next)
    let before = queue.tag(of: served)
    queue.serve(served)
    queue.giveBack(served)
    #expect(queue.tag(of: served) == before)
    #expect(queue.backlog(of: served) == 100)
    let again = queue.next(where: { _ in true })
    #expect(again == served)
  }

  @Test("idleness earns no credit")
  func noHoarding() {
    let (busy, idle) = (flow(.normal), flow(.normal))
    var queue = queue([(busy, 10_000, 1)])
    queue.register(idle, id: 7, weight: 1)
    _ = serve(1000, &queue)
    queue.add(1000, to: idle)
    let served = serve(1000, &queue)
    #expect(abs(served[idle, default: 0] - 500) <= 2)
  }

  @Test("random loads are served in full, and no backlogged flow waits longer than its share says", arguments: 0..<20)
  func starvation(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    var queue = FairQueue()
    var flows: [FlowKey] = []
    for number in 0..<30 {
      let key = FlowKey(
        messageClass: MessageClass.allCases[Int.random(in: 0..<3, using: &generator)], userID: .timeOrdered())
      flows.append(key)
      queue.register(key, id: Int64(number), weight: Double(Int.random(in: 1...5, using: &generator)))
    }
    var added = 0
    var served = 0
    for _ in 0..<5000 {
      if Bool.random(using: &generator), let key = flows.randomElement(using: &generator) {
        let count = Int.random(in: 1...3, using: &generator)
        queue.add(count, to: key)
        added += count
      }
      if let key = queue.next(where: { _ in true }) {
        #expect(queue.backlog(of: key) > 0)
        queue.serve(key)
        served += 1
      }
    }
    while let key = queue.next(where: { _ in true }) {
      queue.serve(key)
      served += 1
    }
    #expect(served == added)
    #expect(queue.backlog == 0)
  }

  /// Lets each provider take its SMS in turn, `slots` times round, and gives the flows it served.
  private func serve(_ slots: Int, rates: [(provider: String, count: Int)], _ queue: inout FairQueue) -> [FlowKey] {
    var served: [FlowKey] = []
    for _ in 0..<slots {
      for rate in rates {
        for _ in 0..<rate.count {
          let open: Set<String> = [rate.provider]
          guard let key = queue.next(where: { !$0.candidates(open: open, working: open).isEmpty }) else { break }
          queue.serve(key)
          served.append(key)
        }
      }
    }
    return served
  }

  @Test("what a fast provider serves holds nobody up at a slow one")
  func twoProviders() throws {
    let (fast, slow) = (flow(.normal, provider: "fast"), flow(.normal, provider: "slow"))
    var queue = queue([(fast, 100_000, 1), (slow, 100_000, 1)])
    let rates = [("fast", 50), ("slow", 1)]
    _ = serve(200, rates: rates, &queue)
    let new = flow(.normal, provider: "slow")
    queue.register(new, id: 9, weight: 1)
    queue.add(1, to: new)
    let served = serve(3, rates: rates, &queue)
    #expect(served.contains(new), "within a turn of those who wait for the same provider")
  }
}
