import Contracts
import TestSupport
import Testing

@testable import Metering

@Suite("The queue run forward")
struct QueueForecastTests {
  private struct Load {
    var queue = FairQueue(providers: ["a", "b", "c"])
    var flows: [FlowKey] = []

    mutating func add(_ messageClass: MessageClass, weight: Double = 1, pinned: String? = nil, _ count: Int) {
      add(messageClass, weight: weight, to: pinned.map { [$0] }, count)
    }

    mutating func add(_ messageClass: MessageClass, weight: Double = 1, to providers: [String]?, _ count: Int) {
      let key = FlowKey(messageClass: messageClass, userID: .timeOrdered(), providers: providers)
      queue.register(key, id: Int64(flows.count), weight: weight)
      queue.add(count, to: key)
      flows.append(key)
    }
  }

  private func snapshot(_ queue: FairQueue, rates: [String: Double]) -> QueueSnapshot {
    var snapshot = QueueSnapshot()
    snapshot.apply(
      QueueChanged(
        asOf: .now(), isComplete: true, epoch: 1, virtualTime: queue.virtualTime, classes: queue.classHeads(),
        flows: queue.heads(),
        providers: rates.sorted { $0.key < $1.key }.map {
          ProviderPace(provider: $0, effectiveRate: $1, nominalRate: $1, state: "healthy", inFlight: 0)
        }, globalRate: nil, isSending: true))
    return snapshot
  }

  /// When each SMS of each flow really goes, served one by one, and how many SMS its providers took before.
  private func truth(_ queue: FairQueue, rates: [String: Double]) -> [FlowKey: [(time: Double, position: Int)]] {
    var queue = queue
    var free = rates.mapValues { _ in 0.0 }
    var taken: [String: Int] = [:]
    var times: [FlowKey: [(time: Double, position: Int)]] = [:]
    while let provider = free.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
      guard
        let key = queue.next(at: provider.key)
      else {
        free[provider.key] = nil
        continue
      }
      queue.serve(key, at: provider.key)
      times[key, default: []].append(
        (provider.value, taken.reduce(0) { key.mayUse($1.key) ? $0 + $1.value : $0 }))
      taken[provider.key, default: 0] += 1
      free[provider.key] = provider.value + 1 / (rates[provider.key] ?? 1)
    }
    return times
  }

  private func check(_ load: Load, rates: [String: Double], _ name: String, within limit: Double = 0.05) throws {
    let snapshot = snapshot(load.queue, rates: rates)
    let truth = truth(load.queue, rates: rates)
    // Where a class is held up the time jumps from one SMS to the next, so a few may be far off.
    var errors: [Double] = []
    var places: [Double] = []
    for key in load.flows {
      for (ahead, real) in (truth[key] ?? []).enumerated() {
        let wait = try #require(snapshot.wait(in: key, ahead: ahead))
        errors.append(abs(wait.middle / .seconds(1) - real.time) / max(20, real.time))
        let position = try #require(snapshot.position(in: key, ahead: ahead))
        places.append(Double(abs(position - real.position)) / Double(max(100, real.position)))
      }
    }
    let common = errors.sorted()[errors.count * 95 / 100]
    #expect(common < limit, "\(name): \(common)")
    let place = places.sorted()[places.count * 95 / 100]
    #expect(place < limit, "\(name): positions, \(place)")
  }

  @Test("the same three providers for all: position and time follow from the tags at one of them")
  func alike() throws {
    var load = Load()
    load.add(.normal, 600)
    load.add(.normal, weight: 2, 300)
    load.add(.bulk, 900)
    load.add(.urgent, 40)
    try check(load, rates: ["a": 10, "b": 10, "c": 10], "alike")
    try check(load, rates: ["a": 2, "b": 50, "c": 10], "alike, of different speed")
  }

  @Test("two of three providers allowed")
  func allowed() throws {
    var load = Load()
    load.add(.normal, to: ["a", "b"], 600)
    load.add(.normal, 3000)
    load.add(.bulk, to: ["b", "c"], 500)
    try check(load, rates: ["a": 2, "b": 2, "c": 50], "two of three")
    // At 2/s each, and not at the third one's 50.
    let last = try #require(snapshot(load.queue, rates: ["a": 2, "b": 2, "c": 50]).wait(in: load.flows[0], ahead: 599))
    #expect(last.middle > .seconds(149))
  }

  @Test("pins to one of three providers")
  func pinned() throws {
    var load = Load()
    load.add(.normal, 600)
    load.add(.normal, pinned: "a", 300)
    load.add(.bulk, 900)
    try check(load, rates: ["a": 2, "b": 5, "c": 10], "one of three")
  }

  @Test("a provider that more wait for than it can carry holds nobody else back")
  func crowded() throws {
    var load = Load()
    load.add(.normal, pinned: "a", 1000)
    load.add(.normal, pinned: "b", 200)
    load.add(.urgent, 50)
    load.add(.bulk, weight: 3, 400)
    try check(load, rates: ["a": 2, "b": 20], "crowded")
  }

  @Test("two users pinned to two providers do not wait for each other")
  func apart() throws {
    var load = Load()
    load.add(.normal, pinned: "a", 1000)
    load.add(.normal, pinned: "b", 100)
    let snapshot = snapshot(load.queue, rates: ["a": 2, "b": 2])
    let position = snapshot.position(in: load.flows[1], ahead: 99)
    #expect(position == 99)
    let wait = try #require(snapshot.wait(in: load.flows[1], ahead: 99))
    #expect(wait.middle == .seconds(49.5))
  }

  @Test("whoever waits for a provider that stands still gets no time, and nobody waits for them")
  func standing() throws {
    var load = Load()
    load.add(.normal, pinned: "a", 1000)
    load.add(.normal, 100)
    let snapshot = snapshot(load.queue, rates: ["a": 0, "b": 10])
    #expect(snapshot.wait(in: load.flows[0], ahead: 0) == nil)
    #expect(snapshot.position(in: load.flows[1], ahead: 99) == 99)
    let wait = try #require(snapshot.wait(in: load.flows[1], ahead: 99))
    #expect(abs(wait.middle / .seconds(1) - 9.9) < 0.2)
  }

  @Test("what came after the heads goes behind all that they knew")
  func since() throws {
    var load = Load()
    load.add(.normal, 20)
    load.add(.normal, pinned: "a", 100)
    var snapshot = snapshot(load.queue, rates: ["a": 50, "b": 50])
    let key = load.flows[0]
    snapshot.noteAccepted(.timeOrdered(), flow: key, count: 10_000, weight: 1, at: .now())
    let wait = try #require(snapshot.wait(in: key, ahead: 10_019))
    #expect(abs(wait.middle / .seconds(1) - 100) < 5)
  }

  @Test("any mixture of pins, classes and weights", arguments: 0..<30)
  func random(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    var load = Load()
    for _ in 0..<Int.random(in: 2...15, using: &generator) {
      load.add(
        MessageClass.allCases[Int.random(in: 0..<3, using: &generator)],
        weight: [1, 2, 5][Int.random(in: 0..<3, using: &generator)],
        to: [nil, ["a"], ["b"], ["c"], ["a", "b"], ["b", "c"]][Int.random(in: 0..<6, using: &generator)],
        Int.random(in: 1...400, using: &generator))
    }
    try check(load, rates: ["a": 2, "b": 5, "c": 10], "seed \(seed)", within: 0.08)
  }

  @Test("a million SMS in ten thousand flows are run forward in milliseconds")
  func large() throws {
    var load = Load()
    for number in 0..<10_000 {
      load.add(.normal, weight: Double(1 + number % 3), pinned: number % 2 == 0 ? nil : "a", 100)
    }
    let snapshot = snapshot(load.queue, rates: ["a": 50, "b": 50])
    let wait = try #require(snapshot.wait(in: load.flows[9_999], ahead: 99))
    // Half of a's slots until the others have gone by both, and then all of them.
    #expect(wait.middle > .seconds(12_700) && wait.middle < .seconds(14_000))
  }
}
