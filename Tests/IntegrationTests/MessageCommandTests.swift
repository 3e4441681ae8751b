import Contracts
import Foundation
import Logging
import Metering
import Postgres
import Testing

@testable import Scheduler

@Suite("Commands about messages", .serialized)
struct MessageCommandTests {
  private func list(_ counts: Int...) -> [Int] { counts }

  @Test("a cancel answers exactly: sent, in flight, cancelled and other make the total, and what comes back ends too")
  func cancel() async throws {
    try await SchedulerDatabase.with { database in
      let added = try await database.takeIn(database.message(10))
      let span = added.admitted[0].span
      let attempts = try await database.dispatch(span, 0..<5).map(\.id)
      try await database.report(attempts[0], .outcome(.accepted))
      try await database.report(attempts[1], .outcome(.rejected))
      let returned = try await database.report(attempts[2], .outcome(.throttled))
      #expect(returned.returned.count == 1)
      let result = try await database.command(.cancel, span.messageID)
      let answer = try result.outbox.answer()
      let counts = try #require(answer.counts)
      #expect(answer.result == .done && counts.total == 10)
      #expect(list(counts.sent, counts.sending, counts.cancelled, counts.failed) == [1, 2, 6, 1])
      #expect(try result.outbox.facts(MessagesCancelled.self)[0].messages.map(\.fromIndex) == [5])
      #expect(result.changes.withdrawn.map(\.span.rest) == [5])
      #expect(result.changes.withdrawnUnits == [attempts[2].unit])

      // What was in flight: one is accepted, the other comes back and is cancelled. Then all is final.
      try await database.report(attempts[3], .outcome(.accepted))
      let last = try await database.report(attempts[4], .expired)
      #expect(last.returned.isEmpty)
      let finished = try last.outbox.facts(MessagesFinished.self)[0].messages[0]
      #expect(list(finished.counts.sent, finished.counts.cancelled, finished.counts.failed) == [2, 7, 1])
      let again = try await database.command(.cancel, span.messageID).outbox.answer()
      #expect(again.result == .refused && again.reason == "final")
      let flows = try await TakeOver(term: database.term).flows()
      #expect(flows.map(\.unloaded) == [0])
    }
  }

  @Test("a cancel that overtakes its message counts, and is carried out once")
  func early() async throws {
    try await SchedulerDatabase.with { database in
      let message = database.message(3)
      let command = EnvelopeID.timeOrdered()
      let early = try await database.command(.cancel, message.body.messageID, commandID: command)
      #expect(early.outbox.isEmpty)
      let added = try await database.takeIn(message)
      let answer = try added.outbox.answer()
      #expect(answer.commandID == command && answer.counts?.cancelled == 3)
      #expect(added.changes.flatMap(\.withdrawn).map(\.span.rest) == [3])
      let repeated = try await database.command(.cancel, message.body.messageID, commandID: command)
      #expect(repeated.outbox.isEmpty)
      let flows = try await TakeOver(term: database.term).flows()
      #expect(flows.map(\.unloaded) == [0])
    }
  }

  @Test("a paused message leaves the queue with the units that came back, and returns to its place")
  func pause() async throws {
    try await SchedulerDatabase.with { database in
      let span = try await database.takeIn(database.message(5)).admitted[0].span
      let attempts = try await database.dispatch(span, 0..<2).map(\.id)
      try await database.report(attempts[0], .expired)
      let paused = try await database.command(.pause, span.messageID)
      #expect(paused.changes.withdrawn.map(\.span.rest) == [3])
      #expect(paused.changes.withdrawnUnits == [attempts[0].unit])
      #expect(try paused.outbox.facts(MessagesPaused.self)[0].targets == [.message(span.messageID)])
      let late = try await database.report(attempts[1], .outcome(.retryable))
      #expect(late.returned.isEmpty, "a unit of a paused message that comes back waits")
      let takeOver = TakeOver(term: database.term)
      let waiting = try await takeOver.waiting()
      let flows = try await takeOver.flows()
      #expect(waiting.isEmpty && flows.map(\.unloaded) == [0])
      await #expect(throws: StoreError.self) { _ = try await database.dispatch(span, 2..<3) }

      let resumed = try await database.command(.resume, span.messageID)
      #expect(resumed.changes.admitted.map(\.span.rest) == [3])
      #expect(Set(resumed.changes.returned.map(\.unit.unit)) == Set(attempts.map(\.unit)))
      #expect(resumed.changes.returned.compactMap(\.dueAt).count == 1)
      let counts = try #require(try resumed.outbox.answer().counts)
      #expect(counts.total == 5 && counts.pending == 4 && counts.retrying == 1)
    }
  }

  @Test("retry-failed sends failed, dead and expired units again, closes the letters, and nothing else")
  func retryFailed() async throws {
    try await SchedulerDatabase.with { database in
      let added = try await database.takeIn(database.message(6, expiresAt: .now() + .milliseconds(600)))
      let span = added.admitted[0].span
      let attempts = try await database.dispatch(span, 0..<4).map(\.id)
      try await database.report(attempts[0], .outcome(.accepted))
      try await database.report(attempts[1], .outcome(.rejected))
      try await database.report(attempts[3], .outcome(.unknown))
      try await Task.sleep(until: .now + .milliseconds(650), clock: .continuous)
      let expired = try await SweepStore(term: database.term).expire()
      #expect(try expired.outbox.facts(MessagesExpired.self)[0].messages.map(\.fromIndex) == [4])
      let end = try await database.report(attempts[2], .outcome(.retryable))
      let finished = try end.outbox.facts(MessagesFinished.self)[0].messages[0].counts
      #expect(list(finished.sent, finished.failed, finished.expired, finished.unconfirmed) == [1, 1, 3, 1])

      let result = try await database.command(.retryFailed, span.messageID)
      let answer = try result.outbox.answer()
      #expect(answer.result == .done && answer.counts?.pending == 4)
      #expect(Set(result.changes.returned.map(\.unit.unit.index)) == [1, 2, 4, 5])
      let changes = try result.outbox.facts(UnitsChanged.self).flatMap(\.units)
      #expect(changes.allSatisfy { $0.state == .pending && $0.attemptsUsed == 0 })
      let none = try await database.command(.retryFailed, span.messageID).outbox.answer()
      #expect(none.reason == "nothing_to_retry")
      for returned in result.changes.returned {
        let pick = DispatchPick(source: .returned(returned.unit), flow: returned.flow, provider: "hkt", cost: 1)
        let issued = try await DispatchStore(term: database.term).issue(
          [DispatchStore.Order(provider: "hkt", limit: SchedulerDatabase.limit, picks: [pick])],
          tags: [FlowTags(flowID: 1, tags: ["hkt": 5])])
        let attempt = issued.commands[0].command.attempts[0].id
        let last = try await database.report(attempt, .outcome(.accepted))
        if returned.unit == result.changes.returned.last?.unit {
          let counts = try last.outbox.facts(MessagesFinished.self)[0].messages[0].counts
          #expect(list(counts.sent, counts.unconfirmed) == [5, 1])
        }
      }
    }
  }

  @Test("a dead unit's letter closes when its owner tries again")
  func letters() async throws {
    try await SchedulerDatabase.with { database in
      let span = try await database.takeIn(database.message(1)).admitted[0].span
      var attempt = try await database.dispatch(span, 0..<1)[0].id
      while true {
        let result = try await database.report(attempt, .outcome(.retryable))
        guard let returned = result.returned.first else { break }
        let pick = DispatchPick(source: .returned(returned.unit), flow: returned.flow, provider: "hkt", cost: 1)
        attempt = try await DispatchStore(term: database.term).issue(
          [DispatchStore.Order(provider: "hkt", limit: SchedulerDatabase.limit, picks: [pick])],
          tags: [FlowTags(flowID: 1, tags: ["hkt": 5])]
        ).commands[0].command.attempts[0].id
      }
      #expect(attempt.dispatch == 4, "five attempts")
      let again = try await database.command(.retryFailed, span.messageID)
      let letter = try again.outbox.facts(LettersClosed.self)[0].letters[0]
      #expect(letter.dispatch == 4 && letter.state == .pending && letter.reason == "retry_failed")
    }
  }

  @Test("a scheduled message waits for its time, and takes its old place then")
  func schedule() async throws {
    try await SchedulerDatabase.with { database in
      let start = Timestamp.now() + .milliseconds(300)
      let scheduled = try await database.takeIn(database.message(2, sendAt: start))
      #expect(scheduled.admitted.isEmpty && scheduled.times.start == start)
      _ = try await database.takeIn(database.message(3))
      let before = try await TakeOver(term: database.term).flows()
      #expect(before.map(\.unloaded) == [3] && before.map(\.headNumber) == [2])
      let times = try await SweepStore(term: database.term).times()
      #expect(times.start == start)
      try await Task.sleep(until: .now + .milliseconds(350), clock: .continuous)
      let due = try await SweepStore(term: database.term).start()
      #expect(due.admitted.map(\.span.numbers) == [0..<2])
      let after = try await SweepStore(term: database.term).times()
      #expect(after.start == nil)
    }
  }

  @Test("all that one user had accepted is cancelled in steps, also what arrives late, and nothing accepted afterwards")
  func cancelAll() async throws {
    try await SchedulerDatabase.with { database in
      let other = UserID.timeOrdered()
      let late = database.message(5)
      let messages = (0..<600).map { _ in database.message(2) } + [database.message(2, user: other)]
      _ = try await IntakeStore(term: database.term).add(messages)
      let store = UserCancellationStore(term: database.term)
      let command = try SchedulerDatabase.received(.cancel, .user(database.user))
      var cancellation = try await store.begin(command, database.user)
      let after = database.message(3)
      let first = try await store.step(cancellation)
      #expect(first.cancellation.counts.cancelled == 512)
      // A new leader finds it half done and goes on.
      cancellation = try #require(try await store.open().first)
      #expect(cancellation.counts.cancelled == 512)
      _ = try await database.takeIn(after)
      var answers: [CommandAnswered] = []
      while !cancellation.isDone {
        let step = try await store.step(cancellation)
        cancellation = step.cancellation
        answers += try step.outbox.facts(CommandAnswered.self)
      }
      #expect(answers.map(\.counts?.cancelled) == [1200])
      let lateCancelled = try await database.takeIn(late)
      #expect(lateCancelled.changes.map(\.withdrawn.count) == [1])
      let repeated = try await store.begin(command, database.user)
      let open = try await store.open()
      #expect(repeated.isDone && open.isEmpty, "a redelivery only has to be acknowledged")
      let flows = try await TakeOver(term: database.term).flows()
      #expect(Set(flows.map(\.unloaded)) == [3, 2], "what was accepted afterwards, and another user's")
    }
  }

  @Test("a user who is held back is so after a change of leader, and commands are carried out once")
  func holdUser() async throws {
    try await SchedulerDatabase.with { database in
      _ = try await database.takeIn(database.message(4))
      let store = UserStore(term: database.term)
      let command = try SchedulerDatabase.received(.pause, .user(database.user))
      let answer = try #require(try await store.setPaused(true, database.user, command: command)).answer()
      #expect(answer.counts?.pending == 4)
      let repeated = try await store.setPaused(true, database.user, command: command)
      #expect(repeated == nil)
      let paused = try await store.paused()
      #expect(paused == [database.user])
    }
  }

  @Test("a new leader finds the holes that cancelled messages left")
  func holes() async throws {
    try await SchedulerDatabase.with { database in
      let messages = [3, 2000, 4].map { database.message($0) }
      for message in messages { _ = try await database.takeIn(message) }
      _ = try await database.command(.cancel, messages[1].body.messageID)
      let flow = try #require(try await TakeOver(term: database.term).flows().first)
      #expect(flow.unloaded == 7 && flow.headNumber == 0 && flow.endNumber == 2007)
      #expect(flow.hasHoles)
      var reading = HoleReading(flow)
      let found = try await TakeOver(term: database.term).holes(&reading)
      #expect(found == HoleReading.Found(numbers: 0..<2007, holes: [3..<2003]) && reading.isDone)
    }
  }

  @Test("pause, resume and cancel that all overtake their message take effect in their order")
  func severalEarly() async throws {
    try await SchedulerDatabase.with { database in
      let message = database.message(2)
      for action in [MessageCommand.Action.pause, .resume] {
        _ = try await database.command(action, message.body.messageID)
      }
      let added = try await database.takeIn(message)
      #expect(added.changes.map { [$0.withdrawn.count, $0.admitted.count] } == [[1, 0], [0, 1]])
      let paused = try added.outbox.facts(MessagesPaused.self).map(\.changedAt)
      let resumed = try added.outbox.facts(MessagesResumed.self).map(\.changedAt)
      #expect(paused.count == 1 && resumed.count == 1 && paused[0] < resumed[0])
    }
  }

  @Test("an SMS of unknown outcome is unconfirmed, not cancelled, and a late answer still counts")
  func unknownAndCancelled() async throws {
    try await SchedulerDatabase.with { database in
      let span = try await database.takeIn(database.message(2)).admitted[0].span
      let attempts = try await database.dispatch(span, 0..<2).map(\.id)
      _ = try await database.command(.cancel, span.messageID)
      try await database.report(attempts[0], .outcome(.retryable))
      let end = try await database.report(attempts[1], .outcome(.unknown))
      let counts = try end.outbox.facts(MessagesFinished.self)[0].messages[0].counts
      #expect(list(counts.cancelled, counts.unconfirmed) == [1, 1])
      let late = try await database.report(attempts[1], .outcome(.accepted))
      let last = try late.outbox.facts(MessagesFinished.self)[0].messages[0].counts
      #expect(list(last.cancelled, last.sent) == [1, 1])
    }
  }

  @Test("what was final for long is dropped, whole, and nothing else")
  func retention() async throws {
    try await SchedulerDatabase.with { database in
      let old = try await database.takeIn(database.message(3)).admitted[0].span
      for attempt in try await database.dispatch(old, 0..<3) {
        try await database.report(attempt.id, .outcome(.accepted))
      }
      let waiting = try await database.takeIn(database.message(2)).admitted[0].span
      let pool = database.term.pool
      let logger = Logger(label: "retention")
      let none = try await Retention(pool: pool, logger: logger).prune()
      let dropped = try await Retention(pool: pool, logger: logger, age: .zero).prune()
      let left = try await pool.query("SELECT message_id FROM scheduler.messages").map {
        MessageID(try $0.decode("message_id", as: UUID.self))
      }
      #expect(none == 0 && dropped == 1 && left == [waiting.messageID])
      let units = try await pool.query("SELECT 1 AS one FROM scheduler.units").count
      #expect(units == 0)
    }
  }
}
