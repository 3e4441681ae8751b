import Contracts
import TestSupport
import Testing

@testable import Metering

@Suite("Position and wait")
struct PositionTests {
  /// Providers and how they do: the last stands still.
  private static let providers = [
    ProviderPace(provider: "a", effectiveRate: 2, nominalRate: 2, state: "healthy", inFlight: 0),
    ProviderPace(provider: "b", effectiveRate: 50, nominalRate: 50, state: "healthy", inFlight: 0),
    ProviderPace(provider: "c", effectiveRate: 0, nominalRate: 50, state: "paused", inFlight: 0),
  ]

  /// Sets of providers under which those who meet use one provider: each its own, or one that works beside one that does
  /// not.
  private static let settings: [[[String]?]] = [
    [["a"], ["b"], ["c"]], [["b"], ["b", "c"], ["c"]], [["a"], ["a", "c"], ["b"]],
  ]

  /// A random queue, in the middle of its life.
  private func randomQueue(_ generator: inout SeededGenerator) -> (FairQueue, [FlowKey]) {
    var queue = FairQueue(providers: ["a", "b", "c"])
    let sets = Self.settings[Int.random(in: 0..<Self.settings.count, using: &generator)]
    var flows: [FlowKey] = []
    for number in 0..<Int.random(in: 1...12, using: &generator) {
      let key = FlowKey(
        messageClass: MessageClass.allCases[Int.random(in: 0..<3, using: &generator)], userID: .timeOrdered(),
        providers: sets[Int.random(in: 0..<sets.count, using: &generator)])
      flows.append(key)
      queue.register(key, id: Int64(number), weight: [1, 2, 3, 4.7][Int.random(in: 0..<4, using: &generator)])
      queue.add(Int.random(in: 0...20, using: &generator), to: key)
    }
    for _ in 0..<Int.random(in: 0...40, using: &generator) {
      let provider = ["a", "b", "b", "c"][Int.random(in: 0..<4, using: &generator)]
      if let key = queue.next(at: provider) { queue.serve(key, at: provider) }
    }
    return (queue, flows)
  }

  private func snapshot(of queue: FairQueue) -> QueueSnapshot {
    var snapshot = QueueSnapshot()
    snapshot.apply(
      QueueChanged(
        asOf: .now(), isComplete: true, epoch: 1, virtualTime: queue.virtualTime, classes: queue.classHeads(),
        flows: queue.heads(), providers: Self.providers, globalRate: nil, isSending: true))
    return snapshot
  }

  /// The provider at which an SMS waits: the one of its own that works.
  private func home(of key: FlowKey) -> String { key.providers?.first { $0 != "c" } ?? "c" }

  @Test("the closed form is the true service order among those who compete", arguments: 0..<200)
  func matchesService(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let (queue, flows) = randomQueue(&generator)
    let snapshot = snapshot(of: queue)
    for key in flows {
      // Let its provider serve, and note at which place each SMS really goes.
      var rest = queue
      let home = home(of: key)
      var order: [Int] = []
      var place = 0
      while let next = rest.next(at: home) {
        rest.serve(next, at: home)
        if next == key { order.append(place) }
        place += 1
      }
      for (ahead, truth) in order.enumerated() {
        let position = snapshot.position(in: key, ahead: ahead) ?? -1
        #expect(position == truth, "seed \(seed)")
      }
    }
  }

  @Test("whoever was served and comes again stands where the queue will have them", arguments: 0..<100)
  func comesAgain(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    var (queue, flows) = randomQueue(&generator)
    for number in 0..<5 {
      // Flows that have just ended, or never began.
      let key = FlowKey(messageClass: .normal, userID: .timeOrdered(), provider: number < 3 ? "a" : "b")
      queue.register(key, id: Int64(100 + number), weight: 1)
      queue.add(Int.random(in: 0...2, using: &generator), to: key)
      flows.append(key)
    }
    for _ in 0..<Int.random(in: 0...60, using: &generator) {
      let provider = Bool.random(using: &generator) ? "a" : "b"
      if let key = queue.next(at: provider) { queue.serve(key, at: provider) }
    }
    let snapshot = snapshot(of: queue)
    for key in flows where queue.backlog(of: key) == 0 && home(of: key) != "c" {
      var rest = queue
      rest.add(1, to: key)
      let home = home(of: key)
      var place = 0
      while let next = rest.next(at: home), next != key {
        rest.serve(next, at: home)
        place += 1
      }
      // A flow that nobody told of has a place in the order of numbers, too, which only the scheduler knows.
      let position = try #require(snapshot.position(in: key, ahead: 0))
      if snapshot.ended[key] != nil { #expect(position == place, "seed \(seed)") }
    }
  }

  @Test("what came back goes before the head, and the head before what follows")
  func returned() {
    let key = FlowKey(messageClass: .normal, userID: .timeOrdered())
    var snapshot = QueueSnapshot()
    snapshot.apply(
      QueueChanged(
        asOf: .now(), isComplete: true, epoch: 1, virtualTime: 0,
        classes: [ClassHead(messageClass: .normal, tag: 0, backlog: 20, virtualTime: 0)],
        flows: [
          FlowHead(
            flowID: 1, messageClass: .normal, userID: key.userID, provider: nil, tag: 0, step: 1 << 24, backlog: 20,
            headNumber: 100, returned: 5)
        ], providers: Self.providers, globalRate: nil, isSending: true))
    #expect([99, 100, 101, 114, 500].map { snapshot.ahead(of: $0, in: key) } == [0, 5, 6, 19, 20])
  }

  @Test("a user's flows are those in which something of theirs waits")
  func flowsOfUser() {
    let user = UserID.timeOrdered()
    var queue = FairQueue(providers: ["a", "b", "c"])
    let keys = [
      FlowKey(messageClass: .urgent, userID: user), FlowKey(messageClass: .bulk, userID: user, provider: "a"),
      FlowKey(messageClass: .normal, userID: .timeOrdered()), FlowKey(messageClass: .normal, userID: user),
    ]
    for (number, key) in keys.enumerated() {
      queue.register(key, id: Int64(number), weight: 1)
      queue.add(number == 3 ? 0 : 5, to: key)
    }
    #expect(Set(snapshot(of: queue).flows(of: user)) == Set(keys.prefix(2)))
  }

  @Test("nothing is foretold beyond a year")
  func horizon() {
    var snapshot = snapshot(of: FairQueue(providers: ["a", "b", "c"]))
    #expect(snapshot.wait(position: 60_000_000, providers: ["a"]) != nil)
    #expect(snapshot.wait(position: 70_000_000, providers: ["a"]) == nil)
    var change = QueueChanged(
      asOf: .now(), isComplete: true, epoch: 1, virtualTime: 0, classes: [], flows: [],
      providers: [
        ProviderPace(provider: "a", effectiveRate: 1e-300, nominalRate: 2, state: "healthy", inFlight: 3)
      ], globalRate: nil, isSending: true)
    snapshot.apply(change)
    #expect(snapshot.wait(position: 0, providers: nil) == nil)
    change.providers[0].effectiveRate = .nan
    snapshot.apply(change)
    #expect(snapshot.wait(position: 0, providers: nil) == nil)
  }

  @Test("one flow alone: the position is the number ahead")
  func alone() {
    var queue = FairQueue(providers: ["a", "b", "c"])
    let key = FlowKey(messageClass: .normal, userID: .timeOrdered())
    queue.register(key, id: 1, weight: 1)
    queue.add(50, to: key)
    let snapshot = snapshot(of: queue)
    #expect((0..<50).map { snapshot.position(in: key, ahead: $0) } == (0..<50).map { $0 })
    #expect(snapshot.headNumber(of: key) == 0)
    #expect(snapshot.wait(position: 50, providers: ["a"])?.middle == .seconds(25))
    #expect(snapshot.wait(position: 52, providers: nil)?.middle == .seconds(1))
  }

  @Test("what the owner accepted itself counts until heads arrive")
  func accepted() {
    var snapshot = snapshot(of: FairQueue(providers: ["a", "b", "c"]))
    let key = FlowKey(messageClass: .normal, userID: .timeOrdered())
    for count in 0..<101 {
      #expect(snapshot.position(in: key, ahead: snapshot.backlog(of: key)) == count)
      snapshot.noteAccepted(.timeOrdered(), flow: key, count: 1, weight: 1, at: .now())
    }
  }

  @Test("without heads nothing is said, and without a provider that works there is no time")
  func unknown() {
    var snapshot = QueueSnapshot()
    let key = FlowKey(messageClass: .normal, userID: .timeOrdered())
    #expect(snapshot.position(in: key, ahead: 0) == nil)
    #expect(snapshot.wait(position: 1, providers: nil) == nil)
    snapshot = self.snapshot(of: FairQueue(providers: ["a", "b", "c"]))
    #expect(snapshot.wait(position: 1, providers: ["other"]) == nil)
  }

  @Test("an older leader's heads are ignored")
  func epochs() {
    var snapshot = snapshot(of: FairQueue(providers: ["a", "b", "c"]))
    let asOf = snapshot.asOf
    snapshot.apply(
      QueueChanged(
        asOf: .now() + .seconds(60), isComplete: true, epoch: 0, virtualTime: 0, classes: [], flows: [], providers: [],
        globalRate: nil, isSending: false))
    #expect(snapshot.asOf == asOf)
    #expect(snapshot.isSending)
  }
}
