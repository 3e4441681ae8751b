import Contracts
import Testing

@testable import Sender

@Suite("Whom a provider throttles")
struct ThrottleJudgeTests {
  private func refusal(
    _ number: Int, at second: Double, retryAfter: Double? = 300, isRepeat: Bool = false
  ) -> ThrottleJudge.Refusal {
    ThrottleJudge.Refusal(
      number: number, isRepeat: isRepeat, retryAfter: retryAfter, startedAt: Timestamp(seconds: second - 0.02),
      finishedAt: Timestamp(seconds: second))
  }

  @Test("a first refusal closes the gate for a moment; the same number's next one not at all while others get through")
  func number() {
    var judge = ThrottleJudge(memory: nil)
    let first = judge.judge(refusal(1, at: 100), lastAccepted: Timestamp(seconds: 99))
    #expect(first == .init(scope: .number, closing: 2))
    let again = judge.judge(refusal(1, at: 101), lastAccepted: Timestamp(seconds: 100.5))
    #expect(again == .init(scope: .number, closing: 0))
    let alone = judge.judge(refusal(1, at: 401), lastAccepted: Timestamp(seconds: 99))
    #expect(alone == .init(scope: .number, closing: 1))
  }

  @Test("a provider that throttles everybody is obeyed from the second number on, until it accepts one")
  func everybody() {
    var judge = ThrottleJudge(memory: nil)
    _ = judge.judge(refusal(1, at: 100), lastAccepted: nil)
    let second = judge.judge(refusal(2, at: 102.1), lastAccepted: Timestamp(seconds: 99))
    #expect(second == .init(scope: .provider, closing: 300))
    let third = judge.judge(refusal(2, at: 402), lastAccepted: Timestamp(seconds: 99))
    #expect(third == .init(scope: .provider, closing: 300), "whoever tries after it")
    let asked = judge.judge(refusal(3, at: 500, retryAfter: 4000), lastAccepted: nil)
    #expect(asked.closing == 300, "at most five minutes")
    let later = judge.judge(refusal(4, at: 1000), lastAccepted: Timestamp(seconds: 990))
    #expect(later == .init(scope: .number, closing: 1))
  }

  @Test("two numbers that were under way together do not close it: the next one tells")
  func together() {
    var judge = ThrottleJudge(memory: nil)
    _ = judge.judge(refusal(1, at: 100), lastAccepted: nil)
    let other = judge.judge(refusal(2, at: 100.01), lastAccepted: nil)
    #expect(other == .init(scope: .number, closing: 2))
    let next = judge.judge(refusal(3, at: 102.1), lastAccepted: nil)
    #expect(next == .init(scope: .provider, closing: 300))
  }

  @Test("now one number, now another, others accepted: the rate is too high, and the gate closes for a moment only")
  func rate() {
    var judge = ThrottleJudge(memory: nil)
    _ = judge.judge(refusal(1, at: 100, retryAfter: nil), lastAccepted: nil)
    let second = judge.judge(refusal(2, at: 103, retryAfter: nil), lastAccepted: Timestamp(seconds: 102))
    #expect(second == .init(scope: .provider, closing: 1))
    let known = judge.judge(refusal(3, at: 104, isRepeat: true), lastAccepted: Timestamp(seconds: 103.5))
    #expect(known == .init(scope: .number, closing: 0), "a number that is refused again and again")
    let rare = judge.judge(refusal(4, at: 200), lastAccepted: Timestamp(seconds: 199))
    #expect(rare == .init(scope: .number, closing: 1), "one now and then")
  }

  @Test("the digest tells most numbers apart and fits in 16 bits")
  func digest() {
    let digests = (0..<1000).map { ThrottleJudge.digest(of: "+852\(91_000_000 + $0)") }
    #expect(digests.allSatisfy { (0...0xFFFF).contains($0) })
    #expect(Set(digests).count > 950)
  }
}
