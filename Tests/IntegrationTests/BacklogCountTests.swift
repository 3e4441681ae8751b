import Contracts
import Foundation
import Metering
import Postgres
import TestSupport
import Testing

@testable import Scheduler

@Suite("The backlog of each flow", .serialized)
struct BacklogCountTests {
  /// A flow as all its messages say.
  private struct Truth: Equatable {
    var flowID: Int64
    var backlog: Int
    var headNumber: Int64
    var endNumber: Int64
  }

  private func truth(_ database: SchedulerDatabase) async throws -> [Truth] {
    try await database.term.pool.query(
      """
      SELECT f.flow_id, coalesce(sum(m.total - m.cursor), 0)::bigint AS backlog,
        coalesce(min(m.first_number + m.cursor), f.next_number) AS head_number,
        coalesce(max(m.first_number + m.total), f.next_number) AS end_number
      FROM scheduler.flows f
      LEFT JOIN scheduler.messages m ON m.flow_id = f.flow_id AND m.cursor < m.total AND m.is_due AND NOT m.is_paused
      GROUP BY f.flow_id ORDER BY f.flow_id
      """
    ).map { row in
      Truth(
        flowID: try row.decode("flow_id"), backlog: try row.decode("backlog"),
        headNumber: try row.decode("head_number"), endNumber: try row.decode("end_number"))
    }
  }

  private func kept(_ database: SchedulerDatabase) async throws -> [Truth] {
    try await TakeOver(term: database.term).flows().map {
      Truth(flowID: $0.id, backlog: $0.unloaded, headNumber: $0.headNumber, endNumber: $0.endNumber)
    }
  }

  @Test(
    "it is what the messages say, after whatever was accepted, sent, paused, cancelled, expired and sent again",
    arguments: 0..<4)
  func property(seed: Int) async throws {
    try await SchedulerDatabase.with { database in
      var random = SeededGenerator(seed: UInt64(seed))
      let users = [database.user, .timeOrdered(), .timeOrdered()]
      var messages: [MessageID: UserID] = [:]
      for step in 0..<120 {
        let known = messages.keys.sorted()
        let picked = known.randomElement(using: &random)
        switch Int.random(in: 0..<12, using: &random) {
        case 0...3:
          let batch = (0..<Int.random(in: 1...4, using: &random)).map { _ in
            let later = Timestamp.now() + .milliseconds(Int.random(in: 0...300, using: &random))
            return database.message(
              Int.random(in: 1...6, using: &random), user: users.randomElement(using: &random),
              sendAt: Int.random(in: 0..<4, using: &random) == 0 ? later : nil,
              expiresAt: Int.random(in: 0..<4, using: &random) == 0 ? later + .milliseconds(100) : nil)
          }
          _ = try await IntakeStore(term: database.term).add(batch)
          for message in batch { messages[message.body.messageID] = message.body.userID }
        case 4, 5:
          try await send(database, &random)
        case 6: _ = try await SweepStore(term: database.term).start()
        case 7: _ = try await SweepStore(term: database.term).expire()
        case 8: if let picked { _ = try await database.command(.pause, picked) }
        case 9: if let picked { _ = try await database.command(.resume, picked) }
        case 10: if let picked { _ = try await database.command(.cancel, picked) }
        default: if let picked { _ = try await database.command(.retryFailed, picked) }
        }
        #expect(try await kept(database) == truth(database), "after step \(step)")
      }
      let store = UserCancellationStore(term: database.term)
      var cancellation = try await store.begin(try SchedulerDatabase.received(.cancel, .user(users[1])), users[1])
      while !cancellation.isDone { cancellation = try await store.step(cancellation).cancellation }
      #expect(try await kept(database) == truth(database))
      _ = try await Retention(pool: database.term.pool, logger: .init(label: "retention"), age: .zero).prune()
      #expect(try await kept(database) == truth(database))
    }
  }

  /// Sends some of what waits, as the leader would, with any outcome.
  private func send(_ database: SchedulerDatabase, _ random: inout SeededGenerator) async throws {
    let takeOver = TakeOver(term: database.term)
    let flows = try await takeOver.flows().filter { $0.unloaded > 0 }
    guard let flow = flows.randomElement(using: &random) else { return }
    let page = MissingPage(key: flow.key, flowID: flow.id, after: -1)
    let spans = try await takeOver.pages([page])[flow.id] ?? []
    let picks = spans.prefix(3).flatMap { span in
      (span.cursor..<Int.random(in: span.cursor + 1...span.total, using: &random)).map {
        DispatchPick(
          source: .fresh(UnitID(messageID: span.messageID, index: $0)), flow: flow.key, provider: "hkt", cost: 1)
      }
    }
    let issued = try await DispatchStore(term: database.term).issue(
      [DispatchStore.Order(provider: "hkt", limit: SchedulerDatabase.limit, picks: picks)],
      tags: [FlowTags(flowID: flow.id, tags: ["hkt": 5])])
    for attempt in issued.commands.flatMap(\.command.attempts) {
      let reports: [UnitTransition.Report] = [
        .outcome(.accepted), .outcome(.rejected), .outcome(.retryable), .outcome(.unknown), .expired,
      ]
      if let report = reports.randomElement(using: &random) { try await database.report(attempt.id, report) }
    }
  }

  @Test("what came back is read a page at a time, each unit once")
  func pages() async throws {
    try await SchedulerDatabase.with { database in
      let takeOver = TakeOver(term: database.term)
      var expected: Set<UnitID> = []
      for _ in 0..<3 {
        let span = try await database.takeIn(database.message(5)).admitted[0].span
        for attempt in try await database.dispatch(span, 0..<4) {
          try await database.report(attempt.id, .expired)
          expected.insert(attempt.id.unit)
        }
      }
      let paused = try #require(expected.map(\.messageID).max())
      _ = try await database.command(.pause, paused)
      expected = expected.filter { $0.messageID != paused }
      var reading = ReturnReading()
      var units: [UnitID] = []
      while !reading.isDone {
        let page = try await takeOver.waiting(after: reading.last, limit: 3)
        units += reading.take(page, limit: 3).map(\.unit.unit)
      }
      #expect(units.count == 8 && Set(units) == expected)
    }
  }

  @Test("a take-over holds no lock while it reads, and a leader that was deposed meanwhile learns it")
  func lock() async throws {
    try await SchedulerDatabase.with { database in
      _ = try await database.takeIn(database.message(3))
      let epoch = try #require(try await database.lease.take(isRestart: true))
      await #expect(throws: StoreError.self) { _ = try await TakeOver(term: database.term).flows() }
      let next = LeaderTerm(pool: database.term.pool, epoch: epoch)
      let flows = try await TakeOver(term: next).flows()
      #expect(flows.map(\.unloaded) == [3])
    }
  }

  @Test("the migration counts what an earlier version left")
  func migration() async throws {
    let url = try await PostgresCluster.shared().makeDatabase()
    let pool = PostgresPool(configuration: try PostgresConfiguration(url: url), logger: .init(label: "migration"))
    try await Migrator.migrate(
      schema: SchedulerSchema.name, migrations: Array(SchedulerSchema.migrations.prefix(11)), pool: pool,
      logger: .init(label: "migration"))
    try await pool.query(
      """
      INSERT INTO scheduler.flows (class, user_id, weight) SELECT 'bulk', gen_random_uuid(), 1 FROM generate_series(1, 3)
      """)
    try await pool.query(
      """
      INSERT INTO scheduler.messages (message_id, flow_id, first_number, content, recipients, total, cursor, segments,
        encoding, accepted_at, queued_at, is_paused)
      SELECT gen_random_uuid(), 1 + i % 2, 10 * i, 'x', '{}', 10, i % 11, 1, 'gsm7', now(), now(), i % 7 = 0
      FROM generate_series(1, 200) AS i
      """)
    try await Migrator.migrate(
      schema: SchedulerSchema.name, migrations: SchedulerSchema.migrations, pool: pool,
      logger: .init(label: "migration"))
    let wrong = try await pool.query(
      """
      SELECT flow_id FROM scheduler.flows f WHERE backlog <> (
        SELECT coalesce(sum(total - cursor), 0) FROM scheduler.messages m
        WHERE m.flow_id = f.flow_id AND is_due AND NOT is_paused)
      """)
    #expect(wrong.isEmpty)
    let total = try await pool.query("SELECT sum(backlog)::bigint AS total FROM scheduler.flows").first
    #expect(try total?.decode("total", as: Int.self) ?? 0 > 500)
    await pool.close()
  }
}
