import Contracts
import TestSupport
import Testing

@testable import Metering

@Suite("Places of several SMS at once")
struct PlacesTests {
  private static let rates = ["a": 2.0, "b": 50, "c": 0]

  /// A random queue in the middle of its life, with weights that divide each other and others, and SMS that its owner has
  /// accepted since.
  private func random(_ generator: inout SeededGenerator) -> (snapshot: QueueSnapshot, flows: [FlowKey]) {
    var queue = FairQueue(providers: ["a", "b", "c"])
    var flows: [FlowKey] = []
    for number in 0..<Int.random(in: 1...15, using: &generator) {
      let key = FlowKey(
        messageClass: MessageClass.allCases[Int.random(in: 0..<3, using: &generator)], userID: .timeOrdered(),
        providers: [nil, nil, ["a", "b"], ["a"], ["b"], ["c"]][Int.random(in: 0..<6, using: &generator)])
      flows.append(key)
      queue.register(key, id: Int64(number), weight: [1, 1, 1, 2, 3, 4.7][Int.random(in: 0..<6, using: &generator)])
      queue.add(Int.random(in: 0...30, using: &generator), to: key)
    }
    for _ in 0..<Int.random(in: 0...60, using: &generator) {
      let provider = Bool.random(using: &generator) ? "a" : "b"
      if let key = queue.next(at: provider) { queue.serve(key, at: provider) }
    }
    var snapshot = QueueSnapshot()
    snapshot.apply(
      QueueChanged(
        asOf: .now(), isComplete: true, epoch: 1, virtualTime: queue.virtualTime, classes: queue.classHeads(),
        flows: queue.heads(),
        providers: Self.rates.sorted { $0.key < $1.key }.map {
          ProviderPace(
            provider: $0, effectiveRate: $1, nominalRate: 50, state: $1 > 0 ? "healthy" : "paused", inFlight: 0)
        }, globalRate: nil, isSending: true))
    for _ in 0..<Int.random(in: 0...4, using: &generator) {
      let key = FlowKey(messageClass: .normal, userID: .timeOrdered())
      flows.append(key)
      snapshot.noteAccepted(
        .timeOrdered(), flow: key, count: Int.random(in: 1...5, using: &generator), weight: 1, at: .now())
    }
    return (snapshot, flows)
  }

  @Test("together they are what each is alone", arguments: 0..<300)
  func same(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let (snapshot, flows) = random(&generator)
    for key in flows {
      let ahead = (0..<8).map { _ in Int.random(in: 0...40, using: &generator) }
      let places = snapshot.places(in: key, ahead: ahead)
      #expect(places.count == Set(ahead).count)
      for ahead in ahead {
        #expect(places[ahead]?.position == snapshot.position(in: key, ahead: ahead), "seed \(seed)")
        #expect(places[ahead]?.wait == snapshot.wait(in: key, ahead: ahead), "seed \(seed)")
      }
    }
  }

  @Test("the sum over flows is the sum of each flow's turns", arguments: 0..<200)
  func sums(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    func line(_ order: Int64) -> FlowLine {
      FlowLine(
        tag: .random(in: -300...300, using: &generator), step: [7, 7, 7, 21, 5][.random(in: 0..<5, using: &generator)],
        backlog: .random(in: 1...60, using: &generator), order: order)
    }
    let own = line(50)
    let others = (0..<20).map { line($0 * 5) }
    let places = Set((0..<12).map { _ in Int.random(in: 0...80, using: &generator) }).sorted()
    var sums = TurnSums(own, places: places)
    for other in others { sums.add(other, winningTies: other.order < own.order) }
    let ranks = sums.ranks
    for (place, rank) in zip(places, ranks) {
      let truth = others.reduce(place) {
        $0 + $1.turns(until: own.tag + Int64(place) * own.step, winningTies: $1.order < own.order)
      }
      #expect(rank == truth, "seed \(seed)")
    }
  }

  @Test("the flows that go next are those whose next SMS have the smallest positions", arguments: 0..<200)
  func next(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let (snapshot, flows) = random(&generator)
    let waiting = flows.filter { snapshot.backlog(of: $0) > 0 }
    let all = snapshot.nextFlows(limit: 100)
    #expect(Set(all) == Set(waiting))
    let positions = all.compactMap { snapshot.position(in: $0, ahead: 0) }
    #expect(positions == positions.sorted(), "seed \(seed)")
    #expect(
      snapshot.nextFlows(limit: 3).compactMap { snapshot.position(in: $0, ahead: 0) } == Array(positions.prefix(3)))
    let bulk = snapshot.nextFlows(in: [.bulk], limit: 100)
    #expect(Set(bulk) == Set(all.filter { $0.messageClass == .bulk }))
    let bulkPositions = bulk.compactMap { snapshot.position(in: $0, ahead: 0) }
    #expect(bulkPositions == bulkPositions.sorted(), "seed \(seed)")
  }

  @Test("shares of what goes add up to all of it, and who cannot go has none", arguments: 0..<100)
  func shares(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let (snapshot, _) = random(&generator)
    let classes = snapshot.waitingClasses
    let flows = snapshot.nextFlows(limit: 100).compactMap { snapshot.waitingFlow($0, among: classes) }
    let sum = flows.reduce(0) { $0 + $1.share }
    let canGo = flows.contains { $0.key.provider != "c" }
    #expect(abs(sum - (canGo ? 1 : 0)) < 1e-9)
    #expect(flows.allSatisfy { ($0.share == 0) == ($0.key.provider == "c") })
    #expect(classes.map(\.flows).reduce(0, +) == flows.count)
  }

  @Test("the quick division is exact", arguments: 0..<20)
  func division(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    var wrong = 0
    for _ in 0..<5_000 {
      let width = Int64.random(in: 1...40, using: &generator)
      let divisor = Int64.random(in: 1...(Int64(1) << width), using: &generator)
      let quotient = Int64.random(in: 0...((Int64(1) << 51) / divisor), using: &generator)
      for dividend: Int64 in [quotient * divisor - 1, quotient * divisor, quotient * divisor + 1, .max - quotient]
      where dividend >= 0 && FlowLine.quotient(dividend, divisor) != dividend / divisor {
        wrong += 1
      }
    }
    #expect(wrong == 0)
  }

  @Test("without heads nothing is said")
  func unknown() {
    let key = FlowKey(messageClass: .normal, userID: .timeOrdered())
    #expect(QueueSnapshot().places(in: key, ahead: [0]).isEmpty)
    #expect(QueueSnapshot().nextFlows(limit: 5).isEmpty)
  }
}
