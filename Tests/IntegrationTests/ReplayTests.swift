import Contracts
import Metering
import Postgres
import Testing

@testable import Scheduler

@Suite("Replays of dead letters", .serialized)
struct ReplayTests {
  @Test("a dead unit goes again as bulk with all its attempts, its letter closes, and its message is completed")
  func replay() async throws {
    try await SchedulerDatabase.with { database in
      let span = try await database.takeIn(database.message(2)).admitted[0].span
      let attempts = try await database.dispatch(span, 0..<2).map(\.id)
      try await database.report(attempts[0], .outcome(.accepted))
      let letter = try await database.kill(attempts[1])
      let result = try await database.replay([letter])
      let answer = try result.outbox.answer()
      #expect(answer.result == .done && answer.counts?.pending == 1 && answer.refusals == nil)
      let closed = try result.outbox.facts(LettersClosed.self).flatMap(\.letters)
      #expect(
        closed == [.init(unit: letter.unit, dispatch: letter.dispatch, state: .pending, reason: "replayed")])
      let change = try #require(try result.outbox.facts(UnitsChanged.self).first?.units.first)
      #expect(change.version > UnitVersion.of(dispatch: letter.dispatch, state: .sent))
      #expect(change.state == .pending && change.attemptsUsed == 0 && change.mayBeDuplicate == nil)
      let returned = try #require(result.changes.returned.first)
      let flow = FlowKey(messageClass: .bulk, userID: database.user)
      #expect(returned.flow == flow && returned.unit.avoided.isEmpty && returned.dueAt == nil)
      #expect(result.changes.flows.map(\.key) == [flow])
      let waiting = try await database.pendingInLedger()
      #expect(waiting.map(\.counts.pending) == [1] && waiting.map(\.counts.sent) == [1])

      let attempt = try await database.dispatch(returned)
      #expect(attempt.id.dispatch == letter.dispatch + 1 && attempt.phone == letter.phone)
      let last = try await database.report(attempt.id, .outcome(.accepted))
      let finished = try last.outbox.facts(LettersFinished.self).flatMap(\.letters)
      #expect(finished == [.init(unit: letter.unit, dispatch: letter.dispatch, state: .sent)])
      let counts = try #require(try last.outbox.facts(MessagesFinished.self).first?.messages.first?.counts)
      #expect(counts.jobStatus == .completed && counts.sent == 2)
      let left = try await database.pendingInLedger()
      #expect(left.isEmpty)
    }
  }

  @Test("a unit that dies again has a new letter with its whole history, and can be replayed from that one alone")
  func deadAgain() async throws {
    try await SchedulerDatabase.with { database in
      let letter = try await database.letter()
      let returned = try #require(try await database.replay([letter]).changes.returned.first)
      let first = try await database.dispatch(returned).id
      let again = try await database.kill(first)
      #expect(again.dispatch > letter.dispatch && again.attemptsUsed == 5)
      #expect(again.attempts.count > letter.attempts.count && again.attempts.starts(with: letter.attempts))
      let stale = try await database.replay([letter]).outbox.answer()
      #expect(stale.result == .refused && stale.reason == "wrong_state")
      let answer = try await database.replay([again]).outbox.answer()
      #expect(answer.result == .done)
    }
  }

  @Test("the same command delivered again changes nothing and is answered the same again")
  func repeated() async throws {
    try await SchedulerDatabase.with { database in
      let letter = try await database.letter(.unconfirmed)
      let command = EnvelopeID.timeOrdered()
      let first = try await database.replay([letter], command: command)
      #expect(try first.outbox.facts(UnitsChanged.self).first?.units.first?.mayBeDuplicate == true)
      // The leader ended after the commit: the next one finds the unit and its answer, and gets the command once more.
      let waiting = try await TakeOver(term: database.term).waiting()
      #expect(waiting.map(\.flow.messageClass) == [.bulk] && waiting.map(\.unit.unit) == [letter.unit])
      let again = try await database.replay([letter], command: command)
      let (kept, answer) = (try again.outbox.answer(), try first.outbox.answer())
      #expect(again.outbox.count == 1 && again.changes.returned.isEmpty)
      #expect(kept.summary == answer.summary && kept.commandID == command && kept.result == .done)
      let unit = try await database.unit(letter.unit)
      #expect(unit.dispatch == letter.dispatch + 1)
    }
  }

  @Test(
    "replays, a retry-failed and a settling of the same unit at once: one wins, it is sent once, the others are refused",
    arguments: [UnitState.dead, .unconfirmed])
  func race(from state: UnitState) async throws {
    try await SchedulerDatabase.with { database in
      for _ in 0..<8 {
        let letter = try await database.letter(state)
        let results = try await withThrowingTaskGroup(of: CommandStore.Result.self) { group in
          for _ in 0..<4 { group.addTask { try await database.replay([letter]) } }
          group.addTask { try await database.command(.retryFailed, letter.unit.messageID) }
          group.addTask { try await database.settle([letter], as: state == .dead ? .abandoned : .sent) }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        let answers = try results.map { try $0.outbox.answer() }
        let won = answers.filter { $0.result == .done }
        let settled = won.first { $0.command == .unitSettle }
        // Abandoned is failed, and what failed its owner may send again.
        if settled != nil, state == .dead, won.count == 2 {
          #expect(won.contains { $0.command == .messageRetryFailed })
        } else {
          #expect(won.count == 1, "\(won.map(\.command))")
        }
        #expect(
          Set(answers.filter { $0.command == .unitReplay && $0.result == .refused }.map(\.reason)) == ["wrong_state"])
        let unit = try await database.unit(letter.unit)
        let isOut = won.count == 1 && settled != nil
        #expect(unit.dispatch == letter.dispatch + (isOut ? 0 : 1))
        #expect(results.flatMap(\.changes.returned).count == (isOut ? 0 : 1), "it waits once")
        let closed = try results.flatMap { try $0.outbox.facts(LettersClosed.self) }.flatMap(\.letters)
        #expect(closed.map(\.dispatch) == [letter.dispatch], "a letter closes once")
      }
    }
  }

  @Test("a replay goes by the provider that was asked for, if the message may use it, and by its own otherwise")
  func providers() async throws {
    try await SchedulerDatabase.with { database in
      var message = database.message(2)
      message.body.providers = ["a", "hkt"]
      let span = try await database.takeIn(message).admitted[0].span
      var letters: [UnitsDead.Entry] = []
      for attempt in try await database.dispatch(span, 0..<2) { letters.append(try await database.kill(attempt.id)) }
      #expect(letters.map(\.providers) == [["a", "hkt"], ["a", "hkt"]])
      let refused = try await database.replay([letters[0]], provider: "b").outbox.answer()
      #expect(refused.refusals == [.init(unit: letters[0].unit, reason: "provider_not_allowed")])
      let chosen = try await database.replay([letters[0]], as: .urgent, provider: "a")
      #expect(
        chosen.changes.returned.map(\.flow)
          == [FlowKey(messageClass: .urgent, userID: database.user, provider: "a")])
      let free = try await database.replay([letters[1]])
      #expect(free.changes.returned.map(\.flow.provider) == [nil])
      #expect(free.changes.returned.map(\.unit.allowed) == [["a", "hkt"]])
    }
  }

  @Test("what only providers may carry that are no longer there is refused, SMS by SMS, unless another is asked for")
  func removedProviders() async throws {
    try await SchedulerDatabase.with { database in
      var letters: [UnitsDead.Entry] = []
      for place in 0..<4 {
        var message = database.message(1)
        message.body.provider = place == 0 ? "gone" : nil
        message.body.providers = [nil, ["gone", "lost"], ["gone", "hkt"], nil][place]
        let span = try await database.takeIn(message).admitted[0].span
        letters.append(try await database.kill(try await database.dispatch(span, 0..<1)[0].id))
      }
      let result = try await database.replay(letters)
      let answer = try result.outbox.answer()
      #expect(answer.result == .done && answer.counts?.pending == 2)
      #expect(
        Set(answer.refusals ?? []) == Set(letters[0..<2].map { .init(unit: $0.unit, reason: "unknown_provider") }))
      #expect(Set(result.changes.returned.map(\.unit.unit)) == Set(letters[2...].map(\.unit)))
      let other = try await database.replay([letters[0]], provider: "hkt")
      #expect(other.changes.returned.map(\.flow.provider) == ["hkt"])
    }
  }

  @Test("a replay has no part in its message's expiry, and may have one of its own")
  func expiry() async throws {
    try await SchedulerDatabase.with { database in
      let span = try await database.takeIn(database.message(4, expiresAt: .now() + .milliseconds(700))).admitted[0].span
      var letters: [UnitsDead.Entry] = []
      for attempt in try await database.dispatch(span, 0..<3) { letters.append(try await database.kill(attempt.id)) }
      let lifted = try await database.replay([letters[0]])
      let own = Timestamp.now() + .milliseconds(600)
      let limited = try await database.replay(Array(letters[1...]), expiresAt: own)
      #expect(limited.changes.returned.count == 2)
      let times = try await SweepStore(term: database.term).times()
      #expect(times.expiry.map { $0 <= own } == true)
      let isUnderWay = try #require(limited.changes.returned.first)
      let attempt = try await database.dispatch(isUnderWay)
      try await Task.sleep(until: .now + .milliseconds(750), clock: .continuous)
      let swept = try await SweepStore(term: database.term).expire()
      let changes = try swept.outbox.facts(UnitsChanged.self).flatMap(\.units)
      #expect(changes.map(\.state) == [.expired] && changes[0].attempt.unit != letters[0].unit)
      #expect(try swept.outbox.facts(MessagesExpired.self).flatMap(\.messages).map(\.fromIndex) == [3])
      #expect(try swept.outbox.facts(LettersFinished.self).flatMap(\.letters).map(\.state) == [.expired])
      #expect(try swept.outbox.facts(MessagesFinished.self).isEmpty)
      let late = try await database.report(attempt.id, .outcome(.throttled))
      #expect(late.returned.isEmpty)
      #expect(try late.outbox.facts(UnitsChanged.self).first?.units.first?.state == .expired)
      let quiet = try await SweepStore(term: database.term).times()
      #expect(quiet.expiry == nil, "nothing is left that expires")
      let unit = try await database.unit(letters[0].unit)
      #expect(unit.state == .pending)
      let sent = try await database.dispatch(try #require(lifted.changes.returned.first))
      let last = try await database.report(sent.id, .outcome(.accepted))
      let counts = try #require(try last.outbox.facts(MessagesFinished.self).first?.messages.first?.counts)
      #expect([counts.sent, counts.expired, counts.dead] == [1, 3, 0])
      let gone = try await database.replay([letters[0]], expiresAt: .now() + .seconds(-1)).outbox.answer()
      #expect(gone.reason == "expired")
    }
  }

  @Test("a replay of an unconfirmed SMS that expires before it goes is taken back, and no replay that came to nothing")
  func expiryUnsent() async throws {
    try await SchedulerDatabase.with { database in
      let letter = try await database.letter(.unconfirmed)
      let own = Timestamp.now() + .milliseconds(100)
      _ = try await database.replay([letter], expiresAt: own)
      try await Task.sleep(until: .now + .milliseconds(150), clock: .continuous)
      let swept = try await SweepStore(term: database.term).expire()
      let finished = try swept.outbox.facts(LettersFinished.self).flatMap(\.letters)
      #expect(finished == [.init(unit: letter.unit, dispatch: letter.dispatch, state: .unconfirmed, takenBack: true)])
    }
  }

  @Test("its owner can pause and cancel a replay like everything else, and it waits where it was in between")
  func owner() async throws {
    try await SchedulerDatabase.with { database in
      let letters = [try await database.letter(), try await database.letter(.unconfirmed)]
      _ = try await database.replay(letters)
      let flow = FlowKey(messageClass: .bulk, userID: database.user)
      for (letter, end) in zip(letters, [UnitState.cancelled, .unconfirmed]) {
        let id = letter.unit.messageID
        let paused = try await database.command(.pause, id)
        #expect(paused.changes.withdrawnReturns == [.init(unit: letter.unit, flow: flow)])
        let resumed = try await database.command(.resume, id)
        #expect(resumed.changes.returned.map(\.flow) == [flow])
        let cancelled = try await database.command(.cancel, id)
        #expect(cancelled.changes.withdrawnReturns == [.init(unit: letter.unit, flow: flow)])
        let finished = try cancelled.outbox.facts(LettersFinished.self).flatMap(\.letters)
        // What never went is no replay that came to nothing.
        let isBack: Bool? = end == .unconfirmed ? true : nil
        #expect(finished == [.init(unit: letter.unit, dispatch: letter.dispatch, state: end, takenBack: isBack)])
      }
      let left = try await database.pendingInLedger()
      #expect(left.isEmpty)
    }
  }
}
