import FoundationEssentials
import Testing

@testable import MockProvider

@Suite struct ProviderLedgerTests {
  private var ledger = ProviderLedger(name: "hkt", standard: Behaviour(rate: 2))

  private mutating func send(_ number: String, text: String = "x", atMs: Int64) -> Reply {
    let stamp = Stamp(monotonicNs: atMs * 1_000_000, wall: Date(timeIntervalSince1970: 0))
    let admission = ledger.arrive(at: stamp, connection: 1, draw: 99)
    return ledger.receive(Array(#"{"phone":"\#(number)","text":"\#(text)"}"#.utf8), in: .json, admission, jitter: 0.5)
  }

  @Test("The third arrival within a window is refused and counted, and itself counts as an arrival")
  mutating func limit() {
    _ = send("1", atMs: 0)
    _ = send("2", atMs: 600)
    guard case .answer(let refusal, _) = send("3", atMs: 700) else {
      Issue.record("not answered")
      return
    }
    #expect(refusal.status == 429)
    #expect(refusal.retryAfterS == 1)
    _ = send("4", atMs: 1100)  // 600 and 700 are still in the window
    _ = send("5", atMs: 1700)
    #expect(ledger.statistics.arrivals == 5)
    #expect(ledger.statistics.violations == 2)
    #expect(ledger.statistics.refused == 2)
    #expect(ledger.statistics.accepted == 3)
    #expect(ledger.maxInWindow == 3)
    #expect(ledger.statistics.byStatus == ["200": 3, "429": 2])
  }

  @Test("Rate 0 is no limit")
  mutating func unlimited() {
    ledger.replaceBehaviour(Behaviour(rate: 0))
    for _ in 0..<100 { _ = send("1", atMs: 0) }
    #expect(ledger.statistics.violations == 0)
    #expect(ledger.maxInWindow == 100)
  }

  @Test("A violation can be counted without being refused")
  mutating func counting() {
    ledger.replaceBehaviour(Behaviour(rate: 1, refuses: false))
    _ = send("1", atMs: 0)
    _ = send("2", atMs: 1)
    #expect(ledger.statistics.violations == 1)
    #expect(ledger.statistics.accepted == 2)
  }

  @Test("A message taken twice is a duplicate; one that was refused first is a repeat only")
  mutating func duplicates() {
    ledger.replaceBehaviour(
      Behaviour(rate: 0, faults: [Fault(trigger: .suffix("7"), effect: .status(500), times: 1)]))
    _ = send("7", atMs: 0)
    _ = send("7", atMs: 1)
    #expect(ledger.statistics.duplicates == 0)
    #expect(ledger.statistics.repeats == 1)
    _ = send("7", atMs: 2)
    _ = send("7", text: "other", atMs: 3)
    #expect(ledger.statistics.duplicates == 1)
  }

  @Test(
    "Faults that hide the answer take the message, the others do not",
    arguments: [
      (Fault.Effect.timeout, Reply.hang, 1), (.closeBeforeRead, .reset, 0), (.readAndClose, .close(afterMs: 0), 1),
    ])
  mutating func takes(effect: Fault.Effect, reply: Reply, accepted: Int) {
    ledger.replaceBehaviour(Behaviour(rate: 0, faults: [Fault(trigger: .suffix("1"), effect: effect)]))
    let given = send("1", atMs: 0)
    #expect(given == reply)
    #expect(ledger.statistics.accepted == accepted)
    #expect(ledger.statistics.faulted == 1)
    #expect(ledger.statistics.byStatus == ["none": 1])
  }

  @Test("Latency and jitter add up")
  mutating func latency() {
    ledger.replaceBehaviour(Behaviour(rate: 0, latencyMs: 100, jitterMs: 10))
    guard case .answer(_, afterMs: 105) = send("1", atMs: 0) else {
      Issue.record("wrong latency")
      return
    }
  }

  @Test("A reset starts the counters again, not the numbers, and forgets requests still open")
  mutating func reset() {
    let stamp = Stamp(monotonicNs: 0, wall: Date(timeIntervalSince1970: 0))
    let open = ledger.arrive(at: stamp, connection: 1, draw: 99)
    ledger.reset()
    _ = ledger.receive(Array(#"{"phone":"1","text":""}"#.utf8), in: .json, open, jitter: 0)
    #expect(ledger.statistics == Statistics())
    _ = send("2", atMs: 5)
    #expect(ledger.listing(since: 0, limit: 10).map(\.n) == [2])
  }

  @Test("Only the newest arrivals are kept for listing, all are counted")
  mutating func capacity() {
    ledger = ProviderLedger(name: "a", standard: Behaviour(rate: 0), capacity: 3)
    for number in 1...5 { _ = send("\(number)", atMs: Int64(number)) }
    #expect(ledger.listing(since: 0, limit: 10).map(\.number) == ["3", "4", "5"])
    #expect(ledger.listing(since: 4, limit: 10).map(\.n) == [5])
    #expect(ledger.listing(since: 9, limit: 10).isEmpty)
    #expect(ledger.statistics.arrivals == 5)
  }
}
