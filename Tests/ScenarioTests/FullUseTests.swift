import Foundation
import TestSupport
import Testing

/// Three providers of 50 a second: nothing above the limits, and nothing left unused.
///
/// How much of 150 SMS a second is reached depends on the machine, which loses a slot with every pause it makes. The
/// figures asked for hold in the long run, on a machine with nothing else to do; a short run, on any machine, sees that
/// no SMS is lost, early or held up.
@Suite("Full use of three providers", .serialized, .stack(.threeProviders))
struct FullUseTests {
  private let providers = (1...3).map { ProviderUnderTest(name: "provider\($0)", count: 50) }

  @Test("the slots of each are used, and the gate is asked at the right time", arguments: [3, 50, 400])
  func slots(latencyMs: Int) async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    for provider in providers { try await stack.mock.behave(provider.name, ["latency_ms": .number(Double(latencyMs))]) }
    let since = try await stack.databaseTime()
    let seconds = latencyMs == 3 ? Length.choose(10, long: 60) : Length.choose(4, long: 30)
    for _ in 0..<3 { try await story.sendBulk(50 * seconds) }
    let ending = try await story.end(at: providers, within: .seconds(40 + 3 * seconds))
    for provider in providers {
      let measures = try await stack.measures(since: since, at: provider.name)
      let use = ending.useOfSlots(limit: provider, latency: min(measures.latency, .milliseconds(250)))
      #expect(use >= Length.choose(0.2, long: 0.97), "\(provider.name), at a latency of \(measures.latency)")
      // Claims that this machine began too late, however busy it is; their slots were given back.
      #expect(measures.staleShare <= 0.02, "\(provider.name), claims of \(measures.attempts)")
      guard Length.isLong else { continue }
      #expect(measures.medianWait < .milliseconds(100), "\(provider.name), from the command to the gate")
      #expect(measures.expiredShare <= 0.001, "\(provider.name), leases of \(measures.attempts)")
      #expect(measures.staleShare <= 0.001, "\(provider.name), claims of \(measures.attempts)")
    }
  }

  @Test("a global rate of 100 keeps all three together to 1,000 in any 10 s")
  func global() async throws {
    let stack = try SharedStack.current
    try await stack.use(
      providers: StackOptions.jsonProviders(["provider1", "provider2", "provider3"], globalRate: 100))
    let story = try await Story.begin(on: stack)
    try await story.sendBulk(Length.choose(1300, long: 6000))
    let ending = try await story.end(at: providers, within: .seconds(Length.choose(60, long: 120)))
    Promises.expectLimit(ending.arrivals, count: 1000, window: .seconds(10))
    #expect(Promises.meanRate(ending.arrivals) >= Length.choose(20, long: 95))
  }
}
