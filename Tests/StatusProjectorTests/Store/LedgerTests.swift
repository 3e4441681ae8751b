import Contracts
import Foundation
import Postgres
import TestSupport
import Testing

@testable import StatusProjector

extension ServerSuites {
  @Suite struct LedgerTests {
    /// Facts as batches end: at every mark.
    private func fold(_ facts: [LoggedFact], _ store: ProjectionStore) async throws {
      for stretch in facts.split(after: { $0.isFreshMark(at: .now()) }) { try await store.write(stretch) }
    }

    private func report(_ database: ProjectionDatabase) async throws -> LedgerReport {
      try await LedgerReport.read(database.pool)
    }

    private func accepted(_ id: MessageID, _ count: Int, ago: Duration = .zero) -> LoggedFact {
      LoggedFact(
        at: .now(),
        fact: .accepted(
          MessageAccepted(
            messageID: id, userID: .first, messageClass: .bulk, content: "Text",
            recipients: (0..<count).map { "+8529\(1_000_000 + $0)" }, segments: 1, encoding: "gsm7",
            acceptedAt: .now() + ago * -1)))
    }

    private func queued(_ id: MessageID, _ count: Int) -> LoggedFact {
      LoggedFact(
        at: .now(),
        fact: .queued(
          MessagesQueued(
            messages: [.init(messageID: id, flowID: 1, firstNumber: 0, total: count)], queuedAt: .now())))
    }

    private func changed(_ id: MessageID, _ index: Int, _ state: UnitState, ago: Duration = .zero) -> LoggedFact {
      LoggedFact(
        at: .now(),
        fact: .changed(
          UnitsChanged(units: [
            UnitChange(
              attempt: AttemptID(messageID: id, index: index, dispatch: 0), state: state, dispatch: 0, attemptsUsed: 0,
              provider: "hkt", outcome: .accepted, finishedAt: .now() + ago * -1)
          ])))
    }

    @Test("A whole log balances at every mark, wherever batches end", arguments: 0..<3)
    func balanced(seed: UInt64) async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      var generator = SeededGenerator(seed: seed)
      var scheduler = LedgerScheduler()
      var facts: [LoggedFact] = []
      var late: [LoggedFact] = []
      for line in try RecordedLog(messages: 12, seed: seed).lines {
        let logged = try line.logged
        facts.append(logged)
        scheduler.tell(logged.fact)
        guard Int.random(in: 0..<20, using: &generator) == 0 else { continue }
        // The count of a mark comes some facts later.
        facts += late
        let ledger = scheduler.mark(at: .now())
        facts.append(ledger[0])
        late = [ledger[1]]
      }
      facts += late
      while !facts.isEmpty {
        let count = min(facts.count, Int.random(in: 1...40, using: &generator))
        try await fold(Array(facts.prefix(count)), store)
        facts.removeFirst(count)
        let findings = try await report(database).findings.filter { $0.kind != "unqueued" }
        #expect(findings == [])
      }
      let left = try await database.pool.query("SELECT FROM projection.ledger_marks").count
      #expect(left == 0)
      let ago = try await report(database).comparedAgo
      #expect(ago ?? .seconds(100) < .seconds(60))
    }

    @Test(
      "A lost change shows with its message's id and the SMS that differ, becomes an error, and clears when it comes after all"
    )
    func lostChange() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let (id, other) = (MessageID.timeOrdered(), MessageID.timeOrdered())
      var scheduler = LedgerScheduler()
      let lost = changed(id, 1, .sent)
      let told = [accepted(id, 3), accepted(other, 2), queued(id, 3), queued(other, 2), changed(id, 0, .sent), lost]
      for fact in told { scheduler.tell(fact.fact) }
      try await fold(Array(told.dropLast()) + scheduler.mark(at: .now() + .seconds(-50)), store)
      let young = try #require(try await report(database).findings.first)
      #expect(young.kind == "bucket")
      #expect(young.messageIDs == [id.uuid])
      #expect(young.sms == 1)
      #expect(!young.isError)

      try await DatabaseClock(pool: database.pool).step(to: .seconds(20))
      try await fold(scheduler.mark(at: .now() + .seconds(20)), store)
      let old = try #require(try await report(database).findings.first)
      #expect(old.isError)
      var alarm = LedgerAlarm()
      #expect(alarm.take(try await report(database)) == [])
      #expect(alarm.take(try await report(database)) == [.raised(old)])

      try await fold([lost] + scheduler.mark(at: .now() + .seconds(21)), store)
      #expect(try await report(database).findings == [])
      #expect(alarm.take(try await report(database)) == [.cleared(old.name)])
    }

    @Test("A message that the scheduler never queued, or that we never heard queued, is found by its id")
    func lostQueued() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let (id, young) = (MessageID.timeOrdered(), MessageID.timeOrdered())
      var scheduler = LedgerScheduler()
      scheduler.tell(queued(id, 2).fact)
      try await fold([accepted(id, 2, ago: .seconds(90)), accepted(young, 1)] + scheduler.mark(at: .now()), store)
      let findings = try await report(database).findings
      let unqueued = try #require(findings.first { $0.kind == "unqueued" })
      #expect(unqueued.messageIDs == [id.uuid])
      #expect(unqueued.isError)
      #expect(try await report(database).unqueuedMessages == 1)
      // The scheduler counts it, we don't.
      #expect(findings.first { $0.kind == "bucket" }?.sms == 2)
      try await fold([queued(id, 2)] + scheduler.mark(at: .now()), store)
      #expect(try await report(database).findings == [])
    }

    @Test("A finish that counts otherwise contradicts the tables until the missing change comes, or something newer")
    func contradicted() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let id = MessageID.timeOrdered()
      var counts = UnitCounts()
      counts.sent = 2
      let finished = LoggedFact(
        at: .now(),
        fact: .finished(
          MessagesFinished(messages: [.init(messageID: id, counts: counts, finishedAt: .now() + .seconds(-70))])))
      try await fold(
        [accepted(id, 2, ago: .seconds(100)), queued(id, 2), changed(id, 0, .sent, ago: .seconds(80)), finished], store)
      let finding = try #require(try await report(database).findings.first)
      #expect(finding.kind == "contradicted")
      #expect(finding.messageIDs == [id.uuid])
      #expect(finding.isError)
      try await fold([changed(id, 1, .sent, ago: .seconds(75))], store)
      #expect(try await report(database).findings == [])
      // A replay moves a finished message on.
      try await fold([changed(id, 1, .pending)], store)
      #expect(try await report(database).findings == [])
    }

    @Test("Counts that do not add up, and facts about a message that never came, are found")
    func kinds() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let (id, unknown) = (MessageID.timeOrdered(), MessageID.timeOrdered())
      try await fold([accepted(id, 2), queued(id, 2), changed(unknown, 0, .sent, ago: .seconds(61))], store)
      try await database.pool.query("UPDATE projection.messages SET pending = 5 WHERE message_id = \(id.uuid)")
      let findings = try await report(database).findings
      #expect(findings.first { $0.kind == "unbalanced" }?.messageIDs == [id.uuid])
      #expect(findings.first { $0.kind == "unaccepted" }?.messageIDs == [unknown.uuid])
      #expect(findings.first { $0.kind == "unaccepted" }?.isError == true)
    }

    @Test("A mark that is old, or whose count never comes, is not kept")
    func oldMarks() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let scheduler = LedgerScheduler()
      try await fold(scheduler.mark(at: .now() + .seconds(-1000)), store)
      #expect(try await database.pool.query("SELECT FROM projection.ledger_marks").count == 0)
      try await fold([scheduler.mark(at: .now() + .seconds(-5))[0]], store)
      #expect(try await database.pool.query("SELECT FROM projection.ledger_marks").count == 1)
      try await fold(scheduler.mark(at: .now()), store)
      #expect(try await database.pool.query("SELECT FROM projection.ledger_marks").count == 0)
    }
  }
}

extension Array {
  /// Pieces that end where `isEnd` holds.
  fileprivate func split(after isEnd: (Element) -> Bool) -> [ArraySlice<Element>] {
    var pieces: [ArraySlice<Element>] = []
    var start = startIndex
    for index in indices where isEnd(self[index]) {
      pieces.append(self[start...index])
      start = index + 1
    }
    if start < endIndex { pieces.append(self[start...]) }
    return pieces
  }
}
