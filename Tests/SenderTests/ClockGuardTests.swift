import Contracts
import Testing

@testable import Sender

@Suite("Clocks that part")
struct ClockGuardTests {
  private let start = Timestamp(microseconds: 1_790_000_000_000_000)
  private let local = ContinuousClock.now

  /// Claims at these seconds by both clocks, each taking 10 ms.
  private func verdicts(_ claims: [(local: Double, database: Double)]) -> [Bool] {
    var guardian = ClockGuard()
    return claims.map { claim in
      guardian.agrees(
        database: start + .seconds(claim.database), issuedAt: local + .seconds(claim.local),
        answeredAt: local + .seconds(claim.local) + .milliseconds(10))
    }
  }

  @Test("the same pace is sound, whatever the clocks say at the start")
  func sound() {
    #expect(verdicts([(0, 1000), (1, 1001), (500, 1500.04)]) == [true, true, true])
  }

  @Test("a step either way is noticed once")
  func steps() {
    #expect(verdicts([(0, 0), (1, 3601), (2, 3602)]) == [true, false, true])
    #expect(verdicts([(0, 0), (1, -3599), (2, -3598)]) == [true, false, true])
    #expect(verdicts([(0, 0), (1, 1.1)]) == [true, false])
  }
}
