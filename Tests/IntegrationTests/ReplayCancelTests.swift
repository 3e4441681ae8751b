import Contracts
import Logging
import Metering
import Postgres
import Testing

@testable import Scheduler

@Suite("Cancelled replays, settled letters, old messages", .serialized)
struct ReplayCancelTests {
  @Test("cancelling a replay takes back what waits, counts what is under way, and that goes back when it comes back")
  func cancel() async throws {
    try await SchedulerDatabase.with { database in
      let letters = [
        try await database.letter(), try await database.letter(.unconfirmed), try await database.letter(),
        try await database.letter(),
      ]
      let replay = ReplayID.timeOrdered()
      let ordered = try await database.replay(letters, id: replay)
      let byUnit = Dictionary(uniqueKeysWithValues: ordered.changes.returned.map { ($0.unit.unit, $0) })
      let sent = try await database.dispatch(try #require(byUnit[letters[2].unit]))
      let back = try await database.dispatch(try #require(byUnit[letters[3].unit]))
      let result = try await database.cancel(replay)
      let counts = try #require(try result.outbox.answer().counts)
      #expect([counts.dead, counts.unconfirmed, counts.sending, counts.total] == [1, 1, 2, 4])
      #expect(Set(result.changes.withdrawnReturns.map(\.unit)) == Set(letters[0..<2].map(\.unit)))
      let opened = try result.outbox.facts(UnitsDead.self).flatMap(\.units)
      for letter in letters[0..<2] {
        let again = try #require(opened.first { $0.unit == letter.unit })
        #expect(again.dispatch == letter.dispatch + 1 && again.state == letter.state)
        #expect(again.errorType == letter.errorType && again.attempts == letter.attempts)
        #expect(again.phone == letter.phone && again.attemptsUsed == letter.attemptsUsed)
      }
      let ends = try result.outbox.facts(LettersFinished.self).flatMap(\.letters)
      #expect(ends.count == 2 && ends.allSatisfy { $0.takenBack == true })
      let changes = try result.outbox.facts(UnitsChanged.self).flatMap(\.units)
      #expect(changes.allSatisfy { $0.version > UnitVersion.of(dispatch: $0.dispatch, state: .pending) })
      try await database.report(sent.id, .outcome(.accepted))
      let returned = try await database.report(back.id, .outcome(.throttled))
      let letter = try #require(try returned.outbox.facts(UnitsDead.self).first?.units.first)
      let unit = try await database.unit(letter.unit)
      #expect(returned.returned.isEmpty && unit.state == .dead && letter.dispatch == unit.dispatch)
      #expect(letter.errorType == letters[3].errorType)
      // It was tried, so its replay is one that failed.
      #expect(try returned.outbox.facts(LettersFinished.self).flatMap(\.letters).map(\.takenBack) == [nil])
      let left = try await database.pendingInLedger()
      #expect(left.isEmpty)

      let late = try await database.replay([opened[0]], id: replay).outbox.answer()
      #expect(late.result == .refused && late.reason == "cancelled")
      let nothing = try await database.cancel(replay).outbox.answer()
      #expect(nothing.result == .refused && nothing.reason == "nothing_to_cancel")
      let anew = try await database.replay(opened + [letter]).outbox.answer()
      #expect(anew.counts?.pending == 3 && anew.refusals == nil)
    }
  }

  @Test("a settled or abandoned letter closes once, with a higher version and right counts, and only from its state")
  func settle() async throws {
    try await SchedulerDatabase.with { database in
      let span = try await database.takeIn(database.message(4)).admitted[0].span
      let attempts = try await database.dispatch(span, 0..<4).map(\.id)
      var letters: [UnitsDead.Entry] = []
      for attempt in attempts[0..<2] {
        let result = try await database.report(attempt, .outcome(.unknown))
        letters += try result.outbox.facts(UnitsDead.self).flatMap(\.units)
      }
      letters.append(try await database.kill(attempts[2]))
      try await database.report(attempts[3], .outcome(.accepted))
      var ghost = letters[0]
      ghost.unit.index = 99
      let command = EnvelopeID.timeOrdered()
      let sent = try await database.settle([letters[0], letters[2], ghost], as: .sent, command: command)
      let answer = try sent.outbox.answer()
      #expect(answer.result == .done && answer.counts?.sent == 1 && answer.counts?.total == 1)
      #expect(
        answer.refusals == [
          .init(unit: letters[2].unit, reason: "wrong_state"), .init(unit: ghost.unit, reason: "not_found"),
        ])
      let change = try #require(try sent.outbox.facts(UnitsChanged.self).first?.units.first)
      #expect(change.version > UnitVersion.of(dispatch: 0, state: .unconfirmed) && change.provider == "hkt")
      #expect(try sent.outbox.facts(LettersClosed.self).flatMap(\.letters).map(\.reason) == ["settled"])
      let repeated = try await database.settle([letters[0]], as: .sent, command: command)
      let again = try repeated.outbox.answer()
      #expect(repeated.outbox.count == 1 && again.summary == answer.summary)
      let failed = try await database.settle([letters[1]], as: .failed).outbox
      #expect(try failed.facts(UnitsChanged.self).first?.units.first?.errorCode == "settled")
      let abandoned = try await database.settle([letters[2]], as: .abandoned).outbox
      #expect(try abandoned.facts(LettersClosed.self).flatMap(\.letters).map(\.reason) == ["abandoned"])
      let counts = try #require(try abandoned.facts(MessagesFinished.self).first?.messages.first?.counts)
      #expect([counts.sent, counts.failed, counts.dead, counts.unconfirmed] == [2, 2, 0, 0])
      for verdict in UnitSettle.Verdict.allCases {
        let refused = try await database.settle(letters, as: verdict).outbox.answer()
        #expect(refused.result == .refused && refused.reason == "wrong_state")
      }
    }
  }

  @Test("an old message keeps what its letters need, without text and numbers, and can be replayed and settled")
  func stripped() async throws {
    try await SchedulerDatabase.with { database in
      let span = try await database.takeIn(database.message(3)).admitted[0].span
      let attempts = try await database.dispatch(span, 0..<3).map(\.id)
      try await database.report(attempts[0], .outcome(.accepted))
      let letter = try await database.kill(attempts[1])
      let unknown = try await database.report(attempts[2], .outcome(.unknown))
      let doubtful = try #require(try unknown.outbox.facts(UnitsDead.self).first?.units.first)
      let retention = Retention(pool: database.term.pool, logger: Logger(label: "retention"), age: .zero)
      let pruned = [try await retention.prune(), try await retention.prune()]
      #expect(pruned == [1, 0])
      let rows = try await database.term.pool.query(
        "SELECT content || array_to_string(recipients, '') AS text FROM scheduler.messages")
      #expect(try rows.map { try $0.decode("text", as: String.self) } == [""])
      let again = try await database.command(.retryFailed, span.messageID).outbox.answer()
      #expect(again.result == .refused && again.reason == "too_old")

      let returned = try #require(try await database.replay([letter]).changes.returned.first)
      let waiting = try await database.pendingInLedger()
      #expect(waiting.map(\.counts.sent) == [1] && waiting.map(\.counts.pending) == [1])
      let attempt = try await database.dispatch(returned)
      #expect(attempt.phone == letter.phone && attempt.content == letter.content)
      let limits = ["hkt": SchedulerDatabase.limit]
      let outstanding = try await TakeOver(term: database.term).outstanding(limits: limits)
      #expect(outstanding.flatMap(\.command.attempts) == [attempt])
      let dead = try await database.kill(attempt.id)
      #expect(dead.phone == letter.phone && dead.content == letter.content)
      #expect(dead.attempts.starts(with: letter.attempts) && dead.attempts.count > letter.attempts.count)
      let settled = try await database.settle([doubtful], as: .sent).outbox
      #expect(try settled.facts(MessagesFinished.self).first?.messages.first?.counts.sent == 2)
      _ = try await database.settle([dead], as: .abandoned)
      let last = try await retention.prune()
      let left = try await database.term.pool.query("SELECT 1 AS one FROM scheduler.messages").count
      #expect(last == 1 && left == 0)
    }
  }

  @Test("units of which the scheduler knows nothing any more go again with what their letters say, once")
  func gone() async throws {
    try await SchedulerDatabase.with { database in
      let span = try await database.takeIn(database.message(7)).admitted[0].span
      var letters: [UnitsDead.Entry] = []
      for attempt in try await database.dispatch(span, 0..<7).suffix(3) {
        letters.append(try await database.kill(attempt.id))
      }
      for table in ["attempts", "units", "messages"] {
        try await database.term.pool.query("DELETE FROM scheduler.\(unsafeRaw: table)")
      }
      let first = try await database.replay(Array(letters[0..<2]))
      let firstAnswer = try first.outbox.answer()
      #expect(firstAnswer.counts?.pending == 2 && firstAnswer.refusals == nil)
      let second = try await database.replay(letters)
      let answer = try second.outbox.answer()
      #expect(answer.counts?.pending == 1 && answer.refusals?.map(\.reason) == ["wrong_state", "wrong_state"])
      for (returned, letter) in zip(
        (first.changes.returned + second.changes.returned).sorted { $0.unit.unit.index < $1.unit.unit.index }, letters)
      {
        let attempt = try await database.dispatch(returned)
        #expect(attempt.phone == letter.phone && attempt.content == letter.content)
        #expect(attempt.id == AttemptID(unit: letter.unit, dispatch: letter.dispatch + 1))
        let end = try await database.report(attempt.id, .outcome(.accepted))
        #expect(try end.outbox.facts(LettersFinished.self).flatMap(\.letters).map(\.state) == [.sent])
        // What has become of the message's other units is not known.
        #expect(try end.outbox.facts(MessagesFinished.self).isEmpty)
      }
      let left = try await database.pendingInLedger()
      let stale = try await database.replay(letters).outbox.answer()
      #expect(left.isEmpty && stale.result == .refused)
    }
  }

  @Test("an SMS that went out since its death does not go again from an old letter, once its message is dropped")
  func tooOld() async throws {
    try await SchedulerDatabase.with { database in
      var letter = try await database.letter()
      let again = try await database.command(.retryFailed, letter.unit.messageID)
      let attempt = try await database.dispatch(try #require(again.changes.returned.first))
      try await database.report(attempt.id, .outcome(.accepted))
      let pruned = try await Retention(
        pool: database.term.pool, logger: Logger(label: "retention"), age: .zero
      ).prune()
      letter.diedAt = .now() + .seconds(-7 * 24 * 3600 - 1)
      let result = try await database.replay([letter])
      let answer = try result.outbox.answer()
      #expect(pruned == 1 && answer.result == .refused && answer.reason == "too_old")
      #expect(answer.refusals == [.init(unit: letter.unit, reason: "too_old")] && result.changes.returned.isEmpty)
      let rows = try await database.term.pool.query("SELECT 1 AS one FROM scheduler.messages").count
      #expect(rows == 0)
    }
  }
}
