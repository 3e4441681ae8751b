import Contracts
import Foundation
import Logging
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import DeadLetter
@testable import Scheduler
@testable import Sender

/// Housekeeping runs every few minutes on tables that only grow: each of its statements has to be served by an index.
@Suite("Housekeeping reads by index", .serialized)
struct HousekeepingPlanTests {
  private let logger = Logger(label: "plans") { _ in SwiftLogNoOpLogHandler() }

  private func migrated(_ schema: String, _ migrations: [Migration]) async throws -> (PlanLog, PostgresPool) {
    let cluster = try await PostgresCluster.shared()
    let url = try await cluster.makeDatabase()
    let pool = PostgresPool(configuration: try PostgresConfiguration(url: url), logger: logger)
    try await Migrator.migrate(schema: schema, migrations: migrations, pool: pool, logger: logger)
    return (try await PlanLog(cluster: cluster, url: url), pool)
  }

  @Test("the recorder itself sees a comparison with the clock that no index serves")
  func recorder() async throws {
    let (plans, pool) = try await migrated(SchedulerSchema.name, SchedulerSchema.migrations)
    let found = try await plans.unserved { pool in
      try await pool.query("DELETE FROM scheduler.inbox WHERE received_at < sluice.clock() - interval '7 days'")
    }
    #expect(found.count == 1, "\(found)")
    let served = try await plans.unserved { pool in
      try await pool.query("DELETE FROM scheduler.inbox WHERE received_at < \(PostgresQuery.time(ago: .seconds(60)))")
    }
    #expect(served == [])
    await pool.close()
  }

  @Test("the scheduler's old messages and commands")
  func scheduler() async throws {
    let cluster = try await PostgresCluster.shared()
    try await SchedulerDatabase.with { database in
      let message = database.message(2)
      let span = try await database.takeIn(message).admitted[0].span
      let attempts = try await database.dispatch(span, 0..<2)
      for attempt in attempts { _ = try await database.report(attempt.id, .outcome(.accepted)) }
      let letter = database.message(1)
      let second = try await database.takeIn(letter).admitted[0].span
      _ = try await database.kill(try await database.dispatch(second, 0..<1)[0].id)
      let plans = try await PlanLog(cluster: cluster, url: database.url)
      let found = try await plans.unserved { pool in
        let retention = Scheduler.Retention(pool: pool, logger: logger, age: .zero)
        let pruned = [try await retention.prune(), try await retention.prune()]
        #expect(pruned == [2, 0])
      }
      #expect(found == [])
    }
  }

  @Test("the sender's ledger: what is old, what is unreported, what is orphaned")
  func sender() async throws {
    let (plans, pool) = try await migrated(SenderSchema.name, SenderSchema.migrations)
    let gate = Gate(pool: pool, holder: "test", incarnation: UUID())
    let limit = ProviderLimit(count: 2, windowMilliseconds: 400, pacing: .sliding, version: 1)
    let unit = UnitID(messageID: .timeOrdered(), index: 0)
    let attempt = SendCommand.Attempt(
      id: AttemptID(unit: unit, dispatch: 0), phone: "+85291234567", content: "x", cost: 1)
    let applicant = Gate.Applicant(attempt: attempt, notAfter: Timestamp.now() + .seconds(-1))
    _ = try await gate.claim([applicant], provider: "p", limit: limit, timeout: .seconds(30))
    try await pool.query("UPDATE sender.ledger SET reported_at = sluice.clock()")
    let found = try await plans.unserved { pool in
      var pruning = LedgerPruning(pool: pool, logger: logger)
      pruning.keeps = .zero
      let pruned = try await pruning.prune()
      #expect(pruned == 1)
      _ = try await OutcomeLedger(pool: pool).unreported(olderThan: .seconds(10))
      let lives = Lives(pool: pool, holder: "test", incarnation: UUID())
      _ = try await lives.end(try await lives.beat())
    }
    // One row for each provider and each sender; and partial indexes of what is under way or unreported, read whole.
    let known = [
      "on sender.gates", "by gates_pkey", "by ledger_unreported_idx", "by ledger_claimed_idx", "on sender.lives",
    ]
    #expect(found.filter { scan in !known.contains { scan.contains($0) } } == [])
    await pool.close()
  }

  @Test("the dead letters: what is old, and what is to be redacted")
  func deadLetters() async throws {
    let (plans, pool) = try await migrated(DeadLetterSchema.name, DeadLetterSchema.migrations)
    let found = try await plans.unserved { pool in
      let retention = DeadLetter.Retention(pool: pool, keeps: .seconds(86_400), metrics: DeadLetterMetrics())
      try await retention.prune()
      try await retention.redact()
    }
    // The oldest poison, in the order of the index.
    #expect(found.filter { !$0.contains("by poison_received_idx") } == [])
    await pool.close()
  }
}
