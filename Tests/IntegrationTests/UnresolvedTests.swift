import Contracts
import Metering
import TestSupport
import Testing

@testable import Scheduler

/// What the store knows of attempts whose outcome nobody knows.
@Suite("Attempts in doubt", .serialized)
struct UnresolvedTests {
  private func report(
    _ database: SchedulerDatabase, _ attempt: AttemptID, _ outcome: AttemptOutcome, isUnsent: Bool = false
  ) async throws -> OutcomeStore.Result {
    try await OutcomeStore(term: database.term).apply(
      [
        OutcomeStore.Report(
          attempt: attempt, provider: "hkt", report: .outcome(outcome), finishedAt: .now(), isUnsent: isUnsent)
      ], policies: ["hkt": ProviderPolicy(unknown: [.normal: .resend])])
  }

  /// Sends a unit that came back once more.
  private func redispatch(_ database: SchedulerDatabase, _ returned: OutcomeStore.Returned) async throws -> AttemptID {
    let pick = DispatchPick(source: .returned(returned.unit), flow: returned.flow, provider: "hkt", cost: 1)
    let result = try await DispatchStore(term: database.term).issue(
      [DispatchStore.Order(provider: "hkt", limit: SchedulerDatabase.limit, picks: [pick])], tags: [])
    return try #require(result.commands.flatMap(\.command.attempts).first).id
  }

  /// An SMS whose first attempt is in doubt and whose second is under way.
  private func inDoubt(_ database: SchedulerDatabase) async throws -> (first: AttemptID, second: AttemptID) {
    let span = try await database.takeIn(database.message(1)).admitted[0].span
    let first = try await database.dispatch(span, 0..<1)[0].id
    let returned = try #require(try await report(database, first, .unknown).returned.first)
    return (first, try await redispatch(database, returned))
  }

  private func state(_ database: SchedulerDatabase, _ unit: UnitID) async throws -> String? {
    try await database.term.pool.query(
      "SELECT state FROM scheduler.units WHERE message_id = \(unit.messageID.uuid) AND unit_index = \(unit.index)"
    ).first?.decode("state")
  }

  @Test("a second attempt that is refused leaves it unconfirmed, with a letter that says so; a late acceptance counts")
  func refused() async throws {
    try await SchedulerDatabase.with { database in
      let (first, second) = try await inDoubt(database)
      let result = try await report(database, second, .rejected)
      #expect(try await state(database, first.unit) == "unconfirmed")
      let letters = try result.outbox.facts(UnitsDead.self).flatMap(\.units)
      #expect(letters.map(\.errorType) == ["unconfirmed"] && letters.map(\.state) == [.unconfirmed])
      _ = try await report(database, first, .accepted)
      #expect(try await state(database, first.unit) == "sent")
    }
  }

  @Test("a late acceptance ends it as sent while the second attempt is under way, whatever comes of that")
  func acceptedMeanwhile() async throws {
    try await SchedulerDatabase.with { database in
      let (first, second) = try await inDoubt(database)
      _ = try await report(database, first, .accepted)
      #expect(try await state(database, first.unit) == "sent")
      let late = try await report(database, second, .retryable)
      #expect(late.returned.isEmpty, "no third copy")
      #expect(try await state(database, first.unit) == "sent")
    }
  }

  @Test("a late acceptance withdraws an SMS that came back unsent and waits for its second copy")
  func acceptedWhileWaiting() async throws {
    try await SchedulerDatabase.with { database in
      let (first, second) = try await inDoubt(database)
      try await database.report(second, .expired)
      #expect(try await state(database, first.unit) == "pending")
      let result = try await report(database, first, .accepted)
      #expect(result.settled.map(\.unit) == [first.unit])
      #expect(try await state(database, first.unit) == "sent")
    }
  }

  @Test("a late refusal clears the doubt: then the second attempt decides")
  func cleared() async throws {
    try await SchedulerDatabase.with { database in
      let (first, second) = try await inDoubt(database)
      let result = try await report(database, first, .rejected)
      #expect(result.news.isEmpty && result.outbox.isEmpty)
      _ = try await report(database, second, .rejected)
      #expect(try await state(database, first.unit) == "failed")
    }
  }

  @Test("cancelled while an earlier attempt is in doubt and the last one came back unsent: unconfirmed")
  func cancelled() async throws {
    try await SchedulerDatabase.with { database in
      let (first, second) = try await inDoubt(database)
      try await database.report(second, .expired)
      _ = try await database.command(.cancel, first.messageID)
      #expect(try await state(database, first.unit) == "unconfirmed")
    }
  }

  @Test("attempts that were not sent are counted apart, and a replay or sending again begins anew")
  func unsent() async throws {
    try await SchedulerDatabase.with { database in
      let span = try await database.takeIn(database.message(1)).admitted[0].span
      var attempt = try await database.dispatch(span, 0..<1)[0].id
      for count in 1...7 {
        let result = try await report(database, attempt, .retryable, isUnsent: true)
        #expect(result.news.map(\.isUnsent) == [true])
        let row = try #require(
          try await database.term.pool.query(
            "SELECT attempts_used, unsent, unsent_since_at IS NOT NULL AS is_timed FROM scheduler.units"
          ).first)
        #expect(try row.decode("attempts_used") == 0)
        #expect(try row.decode("unsent") == count)
        #expect(try row.decode("is_timed") == true)
        attempt = try await redispatch(database, try #require(result.returned.first))
      }
      try await database.report(attempt, .outcome(.rejected))
      _ = try await database.command(.retryFailed, span.messageID)
      let left = try await database.term.pool.query(
        "SELECT 1 AS one FROM scheduler.units WHERE unsent = 0 AND unsent_since_at IS NULL")
      #expect(left.count == 1)
    }
  }
}
