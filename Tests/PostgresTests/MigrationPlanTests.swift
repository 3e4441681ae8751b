import Testing

@testable import Postgres

@Suite struct MigrationPlanTests {
  private func plan(_ versions: [Int], applied: [(Int, String)]) throws -> MigrationPlan {
    try MigrationPlan(
      schema: "s", migrations: versions.map { (Migration(version: $0, name: "m", sql: ""), "sum\($0)") },
      applied: applied.map { .init(version: $0.0, checksum: $0.1) })
  }

  @Test("What is not applied is pending, in order")
  func pending() throws {
    #expect(try plan([3, 1, 2], applied: [(1, "sum1")]).pending.map(\.version) == [2, 3])
  }

  @Test("A changed text, a repeated version and a gap are refused")
  func refusals() {
    #expect(throws: MigrationError.checksumChanged(schema: "s", version: 1, name: "m")) {
      try plan([1], applied: [(1, "other")])
    }
    #expect(throws: MigrationError.duplicateVersion(schema: "s", version: 1)) { try plan([1, 1], applied: []) }
    #expect(throws: MigrationError.outOfOrder(schema: "s", version: 1, applied: 2)) {
      try plan([1, 2], applied: [(2, "sum2")])
    }
  }

  @Test("A schema of a newer program is no error")
  func newer() throws {
    let plan = try plan([1], applied: [(1, "sum1"), (2, "sum2")])
    #expect(plan.pending.isEmpty)
    #expect(plan.unknown == [2])
  }
}
