import Contracts
import TestSupport
import Testing

@testable import Metering

/// Each provider shares its own capacity, whatever the others do: fast and slow ones, pins, sets, failures.
@Suite("A fair queue at each provider")
struct ProviderQueuesTests {
  /// Providers with rates, in virtual time.
  private struct Run {
    var queue = FairQueue(providers: ["slow", "fast"])
    let rates = ["slow": 2.0, "fast": 50]
    var down: Set<String> = []
    private var free = ["slow": 0.0, "fast": 0]
    private var number: Int64 = 0
    private(set) var now = 0.0
    private(set) var served: [(key: FlowKey, provider: String, time: Double)] = []

    mutating func add(
      _ messageClass: MessageClass = .normal, to providers: [String]?, user: UserID = .timeOrdered(), _ count: Int
    ) -> FlowKey {
      let key = FlowKey(messageClass: messageClass, userID: user, providers: providers)
      number += 1
      queue.register(key, id: number, weight: 1)
      queue.add(count, to: key)
      return key
    }

    /// - Parameter refill: A flow that never runs out.
    mutating func pass(until end: Double, refill: FlowKey? = nil) {
      while let (name, time) = free.filter({ !down.contains($0.key) }).min(by: {
        ($0.value, $0.key) < ($1.value, $1.key)
      }),
        time < end
      {
        now = max(now, time)
        if let refill, queue.backlog(of: refill) == 0 { queue.add(1, to: refill) }
        if let key = queue.next(at: name) {
          queue.serve(key, at: name)
          served.append((key, name, now))
        }
        free[name] = max(time, now) + 1 / (rates[name] ?? 1)
      }
      for name in down { free[name] = end }
      now = end
    }

    func time(of key: FlowKey) -> Double? { served.first { $0.key == key }?.time }
  }

  @Test("fail-over: who comes to the slow provider when the fast one fails waits for nobody's backlog")
  func failOver() throws {
    var run = Run()
    let campaign = run.add(to: ["slow"], 5_000)
    let busy = run.add(to: nil, 1)
    run.pass(until: 600, refill: busy)
    run.down = ["fast"]
    run.pass(until: 610, refill: busy)
    let single = run.add(to: nil, 1)
    run.pass(until: 620, refill: busy)
    let time = try #require(run.time(of: single))
    #expect(time < 612)
    // And the campaign goes on.
    #expect(run.served.contains { $0.key == campaign && $0.time > 612 })
  }

  @Test("urgent is next at the slow provider whatever urgent traffic the fast one carries")
  func urgent() throws {
    var run = Run()
    _ = run.add(to: ["slow"], 20_000)
    let busy = run.add(.urgent, to: ["fast"], 1)
    run.pass(until: 600, refill: busy)
    let single = run.add(.urgent, to: ["slow"], 1)
    run.pass(until: 605, refill: busy)
    let time = try #require(run.time(of: single))
    #expect(time <= 601)
  }

  @Test("allowed lists: two users of the slow provider share it from the first SMS on")
  func allowed() throws {
    var run = Run()
    _ = run.add(to: ["slow", "gone"], 5_000)
    let busy = run.add(to: nil, 1)
    run.pass(until: 300, refill: busy)
    let single = run.add(to: ["slow", "gone"], 1)
    run.pass(until: 310, refill: busy)
    let time = try #require(run.time(of: single))
    #expect(time <= 302)
  }

  /// Flows of which each waits at the providers it may use, and how often each other was served there since its last turn.
  private struct Turns {
    var since: [FlowKey: [FlowKey: Int]] = [:]

    /// - Returns: The most turns that another of the class had since this one's last.
    mutating func note(_ served: FlowKey, waiting: [FlowKey]) -> Int {
      since[served] = [:]
      var most = 0
      for key in waiting where key != served && key.messageClass == served.messageClass {
        since[key, default: [:]][served, default: 0] += 1
        most = max(most, since[key]?[served] ?? 0)
      }
      return most
    }
  }

  @Test(
    "nobody waits behind another's backlog at a provider by more than a turn, and urgent is next there, through failures, recoveries and returns",
    arguments: 0..<40)
  func property(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let rates = ["a": 2.0, "b": 50, "c": 10]
    let names = rates.keys.sorted()
    var queue = FairQueue(providers: names)
    let sets: [[String]?] = [nil, ["a"], ["b"], ["c"], ["a", "b"], ["a", "c"], ["b", "c"]]
    let flows = (0..<24).map { _ in
      FlowKey(
        messageClass: MessageClass.allCases[Int.random(in: 0..<3, using: &generator)], userID: .timeOrdered(),
        providers: sets[Int.random(in: 0..<sets.count, using: &generator)])
    }
    for (number, key) in flows.enumerated() { queue.register(key, id: Int64(number), weight: 1) }
    var avoiding: [FlowKey: String] = [:]
    var free = rates.mapValues { _ in 0.0 }
    var down: Set<String> = []
    var turns: [String: Turns] = [:]
    /// Since urgent began to wait at a provider: how many others it was given.
    var held: [String: Int] = [:]
    var now = 0.0
    var steps = 0
    while steps < 6_000, let (name, time) = free.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
      steps += 1
      now = max(now, time)
      free[name] = now + 1 / (rates[name] ?? 1)
      if Int.random(in: 0..<60, using: &generator) == 0, let other = names.randomElement(using: &generator) {
        down.formSymmetricDifference([other])
      }
      // Who is backlogged for long, and who comes with one.
      if let key = flows.randomElement(using: &generator), Int.random(in: 0..<3, using: &generator) == 0 {
        let isNew = queue.backlog(of: key) == 0
        queue.add(Int.random(in: 0..<10, using: &generator) == 0 ? 200 : 1, to: key)
        if isNew { for name in names { turns[name]?.since[key] = nil } }
      }
      // An SMS that a provider failed goes by another, for a while.
      if Int.random(in: 0..<20, using: &generator) == 0, let key = flows.randomElement(using: &generator),
        key.providers?.count != 1
      {
        let name = avoiding[key] == nil ? names.randomElement(using: &generator) : nil
        avoiding[key] = name
        queue.set(Eligibility(allowed: key.providers, avoided: name.map { [$0] } ?? []), of: key)
        for name in names { turns[name]?.since[key] = nil }
      }
      guard !down.contains(name) else { continue }
      let working = Set(names).subtracting(down)
      func mayGo(_ key: FlowKey) -> Bool {
        Eligibility(allowed: key.providers, avoided: avoiding[key].map { [$0] } ?? []).permits(name, working: working)
      }
      guard let key = queue.next(at: name, where: { $0.permits(name, working: working) }) else { continue }
      let waiting = flows.filter { queue.backlog(of: $0) > 0 && mayGo($0) && avoiding[$0] == nil }
      #expect(mayGo(key) && queue.backlog(of: key) > 0)
      queue.serve(key, at: name)
      var isReturned = false
      if seed % 2 == 1, Int.random(in: 0..<30, using: &generator) == 0 {
        queue.giveBack(key, at: name)
        isReturned = true
      }
      if !isReturned, avoiding[key] == nil {
        let most = turns[name, default: Turns()].note(key, waiting: waiting)
        // One turn, one more at a tie, and one for what was given back and goes anew.
        #expect(most <= (seed % 2 == 1 ? 3 : 2), "seed \(seed), step \(steps)")
      }
      // What came back has not gone: it takes its place again.
      guard !isReturned else { continue }
      let isUrgentWaiting = waiting.contains { $0.messageClass == .urgent }
      held[name] = key.messageClass == .urgent || !isUrgentWaiting ? 0 : held[name, default: 0] + 1
      // One normal and one bulk, whose turns both have come; one more where a class got a turn back.
      #expect(held[name, default: 0] <= (seed % 2 == 1 ? 3 : 2), "seed \(seed), step \(steps)")
    }
  }

  @Test("users who always wait share each provider evenly: Jain's index is at least 0.98 at each", arguments: 0..<10)
  func jain(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    var run = Run()
    let flows = (0..<12).map { _ in
      run.add(to: [nil, ["slow"], ["fast"], ["fast", "slow"]][Int.random(in: 0..<4, using: &generator)], 100_000)
    }
    // The fast one fails now and then.
    for minute in 0..<20 {
      run.down = Int.random(in: 0..<3, using: &generator) == 0 ? ["fast"] : []
      run.pass(until: Double(minute + 1) * 60)
    }
    for name in ["slow", "fast"] {
      let counts = flows.filter { $0.mayUse(name) }.map { key in
        Double(run.served.count { $0.key == key && $0.provider == name })
      }
      let sum = counts.reduce(0, +)
      let index = sum * sum / (Double(counts.count) * counts.reduce(0) { $0 + $1 * $1 })
      #expect(index >= 0.98, "\(name): \(index)")
    }
  }

  @Test("a new leader goes on where the old one stood", arguments: 0..<20)
  func takeOver(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let names = ["a", "b"]
    var old = FairQueue(providers: names)
    let flows = (0..<10).map { _ in
      FlowKey(
        messageClass: MessageClass.allCases[Int.random(in: 0..<3, using: &generator)], userID: .timeOrdered(),
        providers: [nil, ["a"], ["b"]][Int.random(in: 0..<3, using: &generator)])
    }
    for (number, key) in flows.enumerated() {
      old.register(key, id: Int64(number), weight: 1)
      old.add(Int.random(in: 0..<50, using: &generator), to: key)
    }
    for _ in 0..<200 {
      let name = names[Int.random(in: 0..<2, using: &generator)]
      if let key = old.next(at: name) { old.serve(key, at: name) }
    }
    var new = FairQueue(providers: names)
    for (number, key) in flows.enumerated() {
      new.register(key, id: Int64(number), weight: 1, tags: old.tags(of: key))
    }
    new.resume(old.clocks)
    for key in flows { new.add(old.backlog(of: key), to: key) }
    for step in 0..<300 {
      let name = names[step % 2]
      let next = (old.next(at: name), new.next(at: name))
      #expect(next.0 == next.1, "seed \(seed), step \(step)")
      if let key = next.0 { old.serve(key, at: name) }
      if let key = next.1 { new.serve(key, at: name) }
    }
  }

  @Test("a provider that is added begins with nobody ahead, and one that is removed holds nobody up")
  func changedProviders() {
    var queue = FairQueue(providers: ["b", "new"])
    let (old, single) = (
      FlowKey(messageClass: .normal, userID: .timeOrdered()), FlowKey(messageClass: .normal, userID: .timeOrdered())
    )
    queue.register(old, id: 1, weight: 1, tags: ["a": 900 << 24, "b": 500 << 24])
    queue.resume([:])
    queue.add(1_000, to: old)
    for name in ["b", "new"] { for _ in 0..<10 { queue.serve(old, at: name) } }
    queue.register(single, id: 2, weight: 1)
    queue.add(1, to: single)
    let next = ["b", "new"].map { queue.next(at: $0) }
    #expect(next == [single, single])
    let pinned = FlowKey(messageClass: .normal, userID: .timeOrdered(), provider: "a")
    queue.register(pinned, id: 3, weight: 1)
    queue.add(5, to: pinned)
    #expect(queue.next(at: "a") == nil && queue.backlog(of: pinned) == 5)
  }
}
