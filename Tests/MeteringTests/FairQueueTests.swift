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
    var queue = FairQueue(providers: ["a", "b"])
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
      guard let key = queue.next(at: "a") else { break }
      queue.serve(key, at: "a")
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

  @Test("a user's flows in one class share the user's weight at the provider that they share, and only there")
  func splitUser() {
    let user = UserID.timeOrdered()
    let flows = [["a"], nil, ["b"]].map { FlowKey(messageClass: .normal, userID: user, providers: $0) }
    let (other, apart) = (flow(.normal, provider: "a"), flow(.normal, provider: "b"))
    var queue = queue((flows + [other, apart]).map { ($0, 10_000, 1) })
    let served = serve(4000, &queue)
    #expect(abs(served[other, default: 0] - 2000) <= 4)
    #expect(abs(served[flows[0], default: 0] - 1000) <= 4)
    #expect(abs(served[flows[1], default: 0] - 1000) <= 4)
    #expect(served[flows[2]] == nil && served[apart] == nil)
  }

  @Test("what is for another provider hides nothing, and no provider is given what it may not carry")
  func otherProvider() {
    let pinned = flow(.urgent, provider: "b")
    let free = flow(.bulk)
    var queue = queue([(pinned, 10, 1), (free, 10, 1)])
    let next = [queue.next(at: "a"), queue.next(at: "b"), queue.next(at: "none")]
    #expect(next == [free, pinned, nil])
  }

  @Test("an SMS that a provider failed waits for another, and what is behind does not wait for it")
  func avoided() {
    let (first, second) = (flow(.normal), flow(.normal))
    var queue = queue([(first, 1, 1), (second, 10, 1)])
    queue.set(Eligibility(avoided: ["a"]), of: first)
    let next = ["a", "b"].map { name in
      queue.next(at: name) { $0.permits(name, working: ["a", "b"]) }
    }
    #expect(next == [second, first])
  }

  @Test("a class all of which waited for another provider has saved no turns: urgent stays next")
  func passedOverClass() {
    let (bulk, normal, urgent, late) = (flow(.bulk), flow(.normal), flow(.urgent), flow(.bulk))
    var queue = queue([(bulk, 10, 1), (normal, 10_000, 1), (urgent, 0, 1), (late, 0, 1)])
    queue.set(Eligibility(avoided: ["a"]), of: bulk)
    func next() -> FlowKey? { queue.next(at: "a") { $0.permits("a", working: ["a", "b"]) } }
    for _ in 0..<800 {
      guard let key = next() else { break }
      queue.serve(key, at: "a")
    }
    queue.add(100, to: late)
    queue.add(5, to: urgent)
    var served: [FlowKey] = []
    for _ in 0..<7 {
      guard let key = next() else { break }
      queue.serve(key, at: "a")
      served.append(key)
    }
    #expect(served.count { $0 == urgent } == 5, "at most two of the others between them")
  }

  @Test("what was passed over at a provider has saved no turns there when nothing else is left")
  func passedOver() {
    let (first, second) = (flow(.normal), flow(.normal))
    var queue = queue([(first, 100, 1), (second, 10_000, 1)])
    queue.set(Eligibility(avoided: ["a"]), of: first)
    for _ in 0..<500 { queue.serve(second, at: "a") }
    // b is gone: what it should have carried goes by a.
    let served = serve(20, &queue)
    #expect(abs(served[first, default: 0] - 10) <= 1)
  }

  @Test("an SMS that came back unsent gets its turn back")
  func givenBack() throws {
    let (first, second) = (flow(.normal), flow(.normal))
    var queue = queue([(first, 100, 1), (second, 100, 1)])
    let next = queue.next(at: "a")
    let served = try #require(next)
    let before = queue.tags(of: served)
    queue.serve(served, at: "a")
    queue.giveBack(served, at: "a")
    #expect(queue.tags(of: served) == before)
    #expect(queue.backlog(of: served) == 100)
    let again = queue.next(at: "a")
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
    var queue = FairQueue(providers: ["a"])
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
      if let key = queue.next(at: "a") {
        #expect(queue.backlog(of: key) > 0)
        queue.serve(key, at: "a")
        served += 1
      }
    }
    while let key = queue.next(at: "a") {
      queue.serve(key, at: "a")
      served += 1
    }
    #expect(served == added)
    #expect(queue.backlog == 0)
  }
}
