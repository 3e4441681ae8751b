import Contracts
import Metering
import Testing

@testable import Scheduler

@Suite("Provider board")
struct ProviderBoardTests {
  private let key = FlowKey(messageClass: .normal, userID: .timeOrdered())

  private func queue(
    _ names: [String] = ["a", "b"], rate: Int = 10, countsSegments: Bool = false,
    health: ProviderHealth.Rules = ProviderHealth.Rules()
  ) -> DispatchQueue {
    DispatchQueue(
      board: ProviderBoard(
        providers: names.map {
          ProviderState(
            name: $0, limit: ProviderLimit(count: rate, windowMilliseconds: 1000, pacing: .sliding, version: 1),
            countsSegments: countsSegments, policy: ProviderPolicy(health: health), now: -1)
        }, globalRate: nil, now: -1))
  }

  private func admit(_ count: Int, _ queue: inout DispatchQueue, segments: Int = 1, from number: Int64 = 0) {
    queue.admit(
      QueueEntry(
        flow: key, flowID: 1, weight: 1,
        span: MessageSpan(
          messageID: .timeOrdered(), firstNumber: number, cursor: 0, total: count, segments: segments)))
  }

  private func fail(_ name: String, _ count: Int, _ queue: inout DispatchQueue, now: Double) {
    for _ in 0..<count {
      _ = queue.board.learn(.retryable, at: name, startedAt: now, isRepeat: false, now: now)
    }
  }

  /// Serves, and reports everything as accepted at once.
  private func serve(_ queue: inout DispatchQueue, now: Double) throws -> [String] {
    let picks = try queue.plan(limit: 100, now: now).picks
    for pick in picks { queue.board.settle(pick.attempt, at: pick.provider, now: now) }
    return picks.map(\.provider)
  }

  @Test("a provider that fails everything gets nothing until it is probed, then one at a time until one succeeds")
  func health() throws {
    var queue = queue(health: ProviderHealth.Rules(window: 60, failureRate: 0.7, minSamples: 10, cooldown: 30))
    admit(1000, &queue)
    fail("a", 10, &queue, now: 0)
    let others = Set(try serve(&queue, now: 1))
    #expect(others == ["b"])
    let probing = try queue.plan(limit: 100, now: 30).picks.filter { $0.provider == "a" }
    #expect(probing.count == 1)
    let second = try queue.plan(limit: 100, now: 31).picks.filter { $0.provider == "a" }
    #expect(second.isEmpty, "one at a time")
    queue.board.settle(probing[0].attempt, at: "a", now: 31)
    let event = queue.board.learn(.accepted, at: "a", startedAt: 30, isRepeat: false, now: 32)
    #expect(event == .recovered)
    let again = try queue.plan(limit: 100, now: 33).picks.filter { $0.provider == "a" }
    #expect(again.count > 1)
  }

  @Test("a unit skips the provider that failed it while another works, and takes it when none does")
  func failedProvider() throws {
    var queue = queue()
    admit(1, &queue)
    let pick = try queue.plan(limit: 1, now: 0).picks[0]
    queue.board.settle(pick.attempt, at: pick.provider, now: 0)
    let other = pick.provider == "a" ? "b" : "a"
    func returned(_ dispatch: Int) -> ReturnedUnit {
      ReturnedUnit(
        unit: pick.unit, expectedDispatch: dispatch, expectedState: .retrying, nextDispatch: dispatch + 1, segments: 1,
        avoided: [pick.provider])
    }
    queue.readmit(returned(0), flow: key)
    let second = try queue.plan(limit: 10, now: 1).picks
    #expect(second.map(\.provider) == [other])
    queue.board.update(other) { $0.pause = .admin }
    queue.readmit(returned(1), flow: key)
    let third = try queue.plan(limit: 10, now: 2).picks
    #expect(third.map(\.provider) == [pick.provider])
  }

  @Test("a unit that waits for another provider holds nobody else up")
  func noHeadOfLine() throws {
    var queue = queue()
    admit(1, &queue)
    let unit = try queue.plan(limit: 1, now: 0).picks[0].unit
    for _ in 0..<100 { queue.board.update("b") { $0.credit.issue(1) } }
    queue.readmit(
      ReturnedUnit(
        unit: unit, expectedDispatch: 0, expectedState: .retrying, nextDispatch: 1, segments: 1, avoided: ["a"]),
      flow: key)
    let newcomer = FlowKey(messageClass: .normal, userID: .timeOrdered())
    queue.admit(
      QueueEntry(
        flow: newcomer, flowID: 2, weight: 1,
        span: MessageSpan(messageID: .timeOrdered(), firstNumber: 0, cursor: 0, total: 1, segments: 1)))
    let picks = try queue.plan(limit: 10, now: 1).picks
    #expect(picks.map(\.flow) == [newcomer])
  }

  @Test("three refused credentials in a row pause the provider; an answer in between starts the count anew")
  func credentials() throws {
    var queue = queue(["a"])
    func refuse() -> ProviderEvent? {
      queue.board.learn(.refusedCredentials, at: "a", startedAt: 0, isRepeat: false, now: 1)
    }
    let first = [refuse(), refuse()]
    #expect(first == [nil, nil])
    _ = queue.board.learn(.accepted, at: "a", startedAt: 0, isRepeat: false, now: 1)
    let later = [refuse(), refuse(), refuse()]
    #expect(later == [nil, nil, .credentialsRefused])
    admit(1, &queue)
    let none = try queue.plan(limit: 1, now: 2).picks
    #expect(none.isEmpty)
    #expect(queue.board["a"]?.condition.pause == .credentials)
  }

  @Test(
    "where segments are counted, an SMS takes as many tokens, one that is larger than the limit goes alone, and smaller ones do not overtake it for ever"
  )
  func segments() throws {
    var queue = queue(["a"], rate: 4, countsSegments: true)
    admit(1, &queue, segments: 9)
    admit(10, &queue, segments: 2, from: 1)
    var sent: [(cost: Int, at: Double)] = []
    for step in 0..<400 {
      let now = Double(step) / 100
      for pick in try queue.plan(limit: 100, now: now).picks {
        queue.board.settle(pick.attempt, at: "a", now: now)
        sent.append((pick.cost, now))
      }
    }
    #expect(sent.first?.cost == 4)
    #expect(sent.dropFirst().allSatisfy { $0.cost == 2 })
    // 4 s at 4 segments a second, and a full bucket to begin with.
    #expect((18...20).contains(sent.reduce(0) { $0 + $1.cost }))
  }

  @Test("after throttling commands are issued at half the rate")
  func throttled() throws {
    var queue = queue(["a"])
    admit(1000, &queue)
    _ = queue.board.learn(.throttled, at: "a", startedAt: 0, isRepeat: false, now: 0)
    var sent = 0
    for step in 0..<1000 { sent += try serve(&queue, now: Double(step) / 100).count }
    #expect((50...60).contains(sent))
  }

  @Test("what was pinned to a paused provider earns no credit by waiting")
  func noHoarding() throws {
    var queue = queue(["a", "b"], rate: 100)
    let pinned = FlowKey(messageClass: .normal, userID: .timeOrdered(), provider: "a")
    queue.board.update("a") { $0.pause = .admin }
    queue.admit(
      QueueEntry(
        flow: pinned, flowID: 2, weight: 1,
        span: MessageSpan(messageID: .timeOrdered(), firstNumber: 0, cursor: 0, total: 500, segments: 1)))
    admit(1000, &queue)
    for step in 0..<200 { _ = try serve(&queue, now: Double(step) / 100) }
    queue.board.update("a") { $0.pause = nil }
    queue.board.update("b") { $0.pause = .admin }
    var flows: [FlowKey] = []
    for step in 200..<300 {
      let picks = try queue.plan(limit: 100, now: Double(step) / 100).picks
      for pick in picks { queue.board.settle(pick.attempt, at: "a", now: Double(step) / 100) }
      flows += picks.map(\.flow)
    }
    let share = Double(flows.filter { $0 == pinned }.count) / Double(flows.count)
    #expect(abs(share - 0.5) < 0.05, "\(share)")
  }

  @Test("behind an SMS that waits for another provider the rest of its flow goes on")
  func restOfFlow() throws {
    var queue = queue()
    admit(1, &queue)
    let first = try queue.plan(limit: 1, now: 0).picks[0]
    queue.board.settle(first.attempt, at: first.provider, now: 0)
    let unit = first.unit
    admit(2, &queue, from: 1)
    for _ in 0..<100 { queue.board.update("b") { $0.credit.issue(1) } }
    queue.readmit(
      ReturnedUnit(
        unit: unit, expectedDispatch: 0, expectedState: .retrying, nextDispatch: 1, segments: 1, avoided: ["a"]),
      flow: key)
    let picks = try queue.plan(limit: 10, now: 1).picks
    #expect(picks.count == 2 && picks.allSatisfy { $0.provider == "a" && $0.unit != unit })
    let rest = try queue.plan(limit: 10, now: 2)
    #expect(rest.picks.isEmpty && rest.idle == ["a"], "no reason to look again before something happens")
  }

  @Test("nobody waits for a provider that is closed for long")
  func closed() throws {
    var queue = queue()
    queue.board.learn(at: "b", latencies: [], gateOpensAt: 300)
    admit(1, &queue)
    let unit = try queue.plan(limit: 1, now: 0).picks[0].unit
    queue.readmit(
      ReturnedUnit(
        unit: unit, expectedDispatch: 0, expectedState: .retrying, nextDispatch: 1, segments: 1, avoided: ["a"]),
      flow: key)
    let picks = try queue.plan(limit: 10, now: 1).picks
    #expect(picks.map(\.provider) == ["a"])
  }
}
