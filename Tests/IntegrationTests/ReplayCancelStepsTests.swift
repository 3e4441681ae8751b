import Contracts
import Metering
import Postgres
import Testing

@testable import Scheduler

@Suite("Cancelling large replays", .serialized)
struct ReplayCancelStepsTests {
  @Test("a large replay is taken back in steps, by the next leader too, while nothing of it waits, and answered once")
  func steps() async throws {
    try await SchedulerDatabase.with { database in
      let size = 2 * ReplayCancellationStore.batchSize + 88
      let letters = try await database.doubtfulLetters(size)
      let replay = ReplayID.timeOrdered()
      for chunk in letters.chunks(of: UnitReplay.unitLimit) { _ = try await database.replay(chunk, id: replay) }
      let command = EnvelopeID.timeOrdered()
      let begun = try await database.begin(cancelling: replay, command: command)
      #expect(begun.result.changes.withdrawnReturns.count == size)
      let store = ReplayCancellationStore(term: database.term)
      let first = try await store.step(begun.cancellation)
      #expect(first.cancellation.counts.unconfirmed == ReplayCancellationStore.batchSize && !first.cancellation.isDone)
      #expect(try first.outbox.facts(CommandAnswered.self).isEmpty)
      #expect(try first.outbox.facts(UnitsDead.self).flatMap(\.units).count == ReplayCancellationStore.batchSize)

      let order = try await database.replay([letters[0]], id: replay).outbox.answer()
      #expect(order.reason == "cancelled")
      let id = letters[0].unit.messageID
      _ = try await database.command(.pause, id)
      let resumed = try await database.command(.resume, id)
      let waiting = try await TakeOver(term: database.term).waiting()
      #expect(resumed.changes.returned.isEmpty && waiting.isEmpty, "what is not taken back yet waits nowhere")

      var cancellation = try #require(try await store.open().first)
      #expect(cancellation.counts == first.cancellation.counts)
      var answers: [CommandAnswered] = []
      while !cancellation.isDone {
        let step = try await store.step(cancellation)
        cancellation = step.cancellation
        answers += try step.outbox.facts(CommandAnswered.self)
      }
      #expect(answers.map(\.commandID) == [command] && answers.map(\.command) == [.replayCancel])
      #expect(answers.map(\.counts?.unconfirmed) == [size] && answers.map(\.counts?.total) == [size])
      let repeated = try await database.begin(cancelling: replay, command: command)
      let (open, again) = (try await store.open(), try repeated.result.outbox.answer())
      #expect(
        repeated.cancellation.isDone && open.isEmpty && [again.summary] == answers.map(\.summary),
        "a redelivery is answered again")
      let left = try await database.pendingInLedger()
      #expect(left.isEmpty)
    }
  }

  @Test("cancelling everything of a user takes replayed SMS of an expired message with it")
  func userCancellation() async throws {
    try await SchedulerDatabase.with { database in
      let letter = try await database.letter()
      _ = try await database.replay([letter])
      try await database.term.pool.query(
        "UPDATE scheduler.messages SET expires_at = sluice.clock() - interval '1 second'")
      let expired = try await SweepStore(term: database.term).expire()
      #expect(try expired.outbox.facts(MessagesExpired.self).count == 1)
      let before = try await database.unit(letter.unit)
      #expect(before.state == .pending)
      let store = UserCancellationStore(term: database.term)
      let command = try SchedulerDatabase.received(.cancel, .user(database.user))
      let step = try await store.step(try await store.begin(command, database.user))
      #expect(step.cancellation.counts.cancelled == 1 && step.changes.withdrawnReturns.map(\.unit) == [letter.unit])
      let last = try await store.step(step.cancellation)
      let unit = try await database.unit(letter.unit)
      #expect(unit.state == .cancelled && last.cancellation.isDone)
    }
  }

  @Test("a late answer after a cancelled replay is about the letter that the replay left")
  func lateAnswer() async throws {
    try await SchedulerDatabase.with { database in
      for outcome in [AttemptOutcome.accepted, .rejected] {
        let letter = try await database.letter(.unconfirmed)
        let replay = ReplayID.timeOrdered()
        _ = try await database.replay([letter], id: replay)
        _ = try await database.cancel(replay)
        let attempt = AttemptID(unit: letter.unit, dispatch: letter.dispatch)
        let late = try await database.report(attempt, .outcome(outcome))
        let state: UnitState = outcome == .accepted ? .sent : .failed
        let closed = try late.outbox.facts(LettersClosed.self).flatMap(\.letters)
        #expect(
          closed == [.init(unit: letter.unit, dispatch: letter.dispatch + 1, state: state, reason: "late_answer")])
        let change = try #require(try late.outbox.facts(UnitsChanged.self).first?.units.first)
        #expect(change.version > UnitVersion.of(dispatch: letter.dispatch + 1, state: .unconfirmed))
        #expect(change.attempt == attempt)
        let unit = try await database.unit(letter.unit)
        #expect(unit.state == state)
      }
    }
  }

  @Test("units past the expiry of their replay end a batch at a time")
  func expiry() async throws {
    try await SchedulerDatabase.with { database in
      let letters = try await database.doubtfulLetters(5)
      _ = try await database.replay(letters, expiresAt: .now() + .seconds(3600))
      try await database.term.pool.query(
        "UPDATE scheduler.replayed SET expires_at = sluice.clock() - interval '1 second'")
      var ended: [Int] = []
      for _ in 0..<3 {
        let changes = try await database.term.transaction { connection, now in
          var facts = Outbox.Draft()
          return try await ReplayedUnits(connection: connection).expire(at: now, limit: 3, &facts)
        }
        ended.append(changes.withdrawnReturns.count)
      }
      let times = try await SweepStore(term: database.term).times()
      #expect(ended == [3, 2, 0] && times.expiry == nil)
    }
  }
}
