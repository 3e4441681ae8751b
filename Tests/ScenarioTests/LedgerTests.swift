import Contracts
import Foundation
import NIOConcurrencyHelpers
import TestSupport
import Testing

/// The scheduler's count and the projector's, compared mark by mark while everything moves.
@Suite(
  "The ledger", .serialized,
  .stack(StackOptions(providers: StackOptions.jsonProviders(["p"], rate: 300, globalRate: 1000))))
struct LedgerTests {
  private let provider = ProviderUnderTest(name: "p", count: 300)

  @Test("under load and through a kill of the scheduler both count the same at every mark")
  func balances() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let seconds = Length.choose(24, long: 90)
    let load = Task {
      for second in 0..<seconds {
        let start = ContinuousClock.now
        for _ in 0..<4 { try await story.sendBulk(25) }
        for _ in 0..<20 { try await story.send() }
        if second < seconds - 1 { try await Task.sleep(until: start + .seconds(1), clock: .continuous) }
      }
    }
    let marks = NIOLockedValueBox<Set<String>>([])
    let differences = NIOLockedValueBox<[String]>([])
    let watch = Task {
      while !Task.isCancelled {
        let rows = try await stack.query(
          "SELECT told::text || own::text AS what FROM projection.ledger_read WHERE kind = 'bucket'")
        let mark = try await stack.query("SELECT marked_at::text AS at FROM projection.ledger_comparison_read").first
        if let at = try mark?.decode("at", as: String?.self) { marks.withLockedValue { _ = $0.insert(at) } }
        let found = try rows.map { try $0.decode("what", as: String.self) }
        differences.withLockedValue { $0 += found }
        try await Task.sleep(for: .milliseconds(250))
      }
    }
    try await story.pass(.seconds(seconds / 2))
    try await stack.kill(.scheduler)
    try await stack.up()
    try await load.value
    let before = marks.withLockedValue { $0.count }
    try await eventually(within: .seconds(30), "the new leader's count is compared") {
      marks.withLockedValue { $0.count } > max(before, 2)
    }
    watch.cancel()
    #expect(differences.withLockedValue { $0 } == [])
    let ending = try await story.end(at: [provider], within: .seconds(60))
    #expect(ending.count(of: "sent") == ending.accepted.count)
    let health = try await stack.gateway.get("/api/health").json
    #expect(health["checks"]["ledger"]["healthy"].bool == true, "\(health)")
  }
}
