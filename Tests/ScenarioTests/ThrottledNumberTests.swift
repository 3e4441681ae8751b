import TestSupport
import Testing

/// One number that the provider limits is that number's trouble; a provider that throttles everybody is obeyed.
@Suite("Retry-After at 2 a second", .serialized, .stack(.hkt(rate: 2)))
struct ThrottledNumberTests {
  private let hkt = ProviderUnderTest(name: "hkt", count: 2)

  @Test("while one number is refused for five minutes, twenty others arrive within 15 s")
  func number() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let bad = Story.freshNumbers(1)[0]
    try await stack.mock.behave(
      "hkt", ["faults": [["suffix": .string(String(bad.suffix(8))), "kind": "retry_after", "retry_after_s": 300]]])
    let id = try await stack.send(to: bad)
    try await story.arrived(1)
    let start = MonotonicTime.nanoseconds
    let good = try await story.sendBulk(20).numbers
    try await eventually(within: .seconds(30), "the others are sent") {
      try await story.states(of: good).values.count { $0 == "sent" } == 20
    }
    let arrivals = try await stack.mock.arrivals()
    let last = try #require(arrivals.last { !$0.wasRefused })
    #expect(last.monotonicNs - start <= 15_000_000_000)
    #expect(arrivals.count { "+\($0.number)" == bad } == 1, "the number itself is left alone for as long as asked")
    #expect(try await story.states(of: [bad])[bad] == "retrying")
    let limits = try await stack.gateway.get("/api/sms/rate-limits")
    #expect(limits.json.data.providers.hkt.effective_rate.double ?? 0 > 1.5, "and nobody is slowed down for it")
    let cancelled = try await stack.gateway.post("/api/sms/\(id)/cancel")
    #expect(cancelled.status < 300, "\(cancelled.text)")
    _ = try await story.end(at: [hkt], within: .seconds(20))
  }

  @Test("a provider that throttles everybody is left alone for as long as it asks, from the second number on")
  func everybody() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await stack.mock.behave("hkt", ["faults": [["percent": 100, "kind": "retry_after", "retry_after_s": 6]]])
    try await story.sendBulk(10)
    // At 2 a second two may be under way together: two pairs at most, 2 s apart, before the provider is known to mean all.
    try await story.arrived(5, within: .seconds(40))
    let arrivals = try await stack.mock.arrivals()
    let gaps = zip(arrivals, arrivals.dropFirst()).map { Double($1.monotonicNs - $0.monotonicNs) / 1e9 }
    let closing = try #require(gaps.firstIndex { $0 >= 6 }, "\(gaps)")
    #expect(closing <= 3, "\(gaps)")
    // From then on no more than the two of a window try it, each time that it was left alone for as long as it asked.
    for gap in gaps[closing...] { #expect(gap < 1 || gap >= 6, "\(gaps)") }
    #expect(!zip(gaps[closing...], gaps[(closing + 1)...]).contains { $0 < 1 && $1 < 1 }, "\(gaps)")
    try await stack.mock.behave("hkt")
    _ = try await stack.gateway.post("/api/sms/health/hkt/reset")
    let ending = try await story.end(at: [hkt], within: .seconds(40))
    #expect(ending.count(of: "sent") == 10)
  }
}
