import Contracts
import Metering
import Testing

@testable import Scheduler

@Suite("Allowed providers")
struct AllowedProvidersTests {
  private let ann = FlowKey(messageClass: .normal, userID: .timeOrdered())
  private let bob = FlowKey(messageClass: .normal, userID: .timeOrdered())

  private func queue(_ rates: [String: Int] = ["a": 100, "b": 100, "c": 100]) -> DispatchQueue {
    DispatchQueue(
      board: ProviderBoard(
        providers: rates.sorted { $0.key < $1.key }.map { name, rate in
          ProviderState(
            name: name, limit: ProviderLimit(count: rate, windowMilliseconds: 1000, pacing: .sliding, version: 1),
            now: -1)
        }, globalRate: nil, now: -1))
  }

  private func span(_ count: Int, from number: Int64 = 0, allowed: [String]?) -> MessageSpan {
    MessageSpan(
      messageID: .timeOrdered(), firstNumber: number, cursor: 0, total: count, segments: 1, allowed: allowed)
  }

  private func providers(_ plan: DispatchQueue.Plan, of key: FlowKey) -> Set<String> {
    Set(plan.picks.filter { $0.flow == key }.map(\.provider))
  }

  @Test("A user's SMS go by their providers alone, all of them, and others by any")
  func first() throws {
    var queue = queue(["a": 1_000, "b": 1_000, "c": 1_000])
    queue.admit(QueueEntry(flow: ann, flowID: 1, weight: 1, span: span(60, allowed: ["a", "b"])))
    queue.admit(QueueEntry(flow: bob, flowID: 2, weight: 1, span: span(60, allowed: nil)))
    let plan = try queue.plan(limit: 120, now: 0)
    #expect(plan.picks.count == 120)
    #expect(providers(plan, of: ann) == ["a", "b"])
    #expect(providers(plan, of: bob).contains("c"))
  }

  @Test("With their providers used up theirs wait, and nobody waits behind them")
  func waiting() throws {
    var queue = queue(["a": 1, "b": 1, "c": 100])
    queue.admit(QueueEntry(flow: ann, flowID: 1, weight: 1, span: span(20, allowed: ["a", "b"])))
    queue.admit(QueueEntry(flow: bob, flowID: 2, weight: 1, span: span(20, allowed: nil)))
    let plan = try queue.plan(limit: 100, now: 0)
    #expect(providers(plan, of: ann).isSubset(of: ["a", "b"]))
    #expect(plan.picks.filter { $0.flow == bob }.count == 20)
    #expect(plan.picks.filter { $0.flow == ann }.count <= 4)
  }

  @Test("What comes back goes by an allowed provider that has not failed it")
  func returned() throws {
    var queue = queue()
    queue.admit(QueueEntry(flow: ann, flowID: 1, weight: 1, span: span(1, allowed: ["a", "b"])))
    let first = try queue.plan(limit: 1, now: 0)
    let pick = try #require(first.picks.first)
    let unit = ReturnedUnit(
      unit: pick.unit, expectedDispatch: 0, expectedState: .retrying, nextDispatch: 1, segments: 1,
      avoided: [pick.provider], allowed: ["a", "b"])
    queue.readmit(unit, flow: ann)
    let second = try queue.plan(limit: 10, now: 0)
    #expect(second.picks.map(\.provider) == [pick.provider == "a" ? "b" : "a"])
  }

  @Test("What is changed between two messages holds for the second, also when it lies in the store alone")
  func pages() throws {
    var queue = queue(["a": 1_000, "b": 1_000])
    for number in 0..<200 {
      queue.admit(
        QueueEntry(
          flow: ann, flowID: 1, weight: 1, span: span(1, from: Int64(number), allowed: number < 64 ? ["a"] : ["b"])))
    }
    let first = try queue.plan(limit: 100, now: 0)
    #expect(first.picks.count == 64 && providers(first, of: ann) == ["a"])
    #expect(first.missing.count == 1)
    let filled = queue.fill(ann, with: (64..<128).map { span(1, from: Int64($0), allowed: ["b"]) })
    #expect(filled)
    let second = try queue.plan(limit: 10, now: 0)
    #expect(second.picks.count == 10 && providers(second, of: ann) == ["b"])
  }

  @Test("A page whose providers are all at a stop is no reason to lose step")
  func stopped() throws {
    var queue = queue(["a": 1, "b": 1_000])
    for number in 0..<100 {
      queue.admit(
        QueueEntry(
          flow: ann, flowID: 1, weight: 1, span: span(1, from: Int64(number), allowed: number < 64 ? ["b"] : ["a"])))
    }
    let first = try queue.plan(limit: 100, now: 0)
    #expect(first.picks.count == 64)
    let filled = queue.fill(ann, with: (64..<100).map { span(1, from: Int64($0), allowed: ["a"]) })
    #expect(filled)
    let second = try queue.plan(limit: 100, now: 0)
    #expect(providers(second, of: ann) == ["a"])
    #expect(second.picks.count <= 2)
  }
}
