import Contracts
import Postgres
import Testing

@testable import Scheduler

@Suite("Commands in runs and in steps")
struct CommandRunTests {
  @Test("commands about one message in one transaction are carried out in their order, each once")
  func run() async throws {
    try await SchedulerDatabase.with { database in
      let span = try await database.takeIn(database.message(5)).admitted[0].span
      let early = MessageID.timeOrdered()
      let pause = try SchedulerDatabase.received(.pause, .message(span.messageID))
      let resume = try SchedulerDatabase.received(.resume, .message(span.messageID))
      let unknown = try SchedulerDatabase.received(.cancel, .message(early))
      let run = try await CommandStore(term: database.term).apply(
        [(pause, span.messageID), (unknown, early), (resume, span.messageID), (pause, span.messageID)],
        until: .now + .seconds(60))
      #expect(run.count == 4)
      #expect(run.changes.map(\.withdrawn.count) == [1, 0] && run.changes.map(\.admitted.count) == [0, 1])
      let answers = try run.outbox.facts(CommandAnswered.self)
      #expect(answers.map(\.commandID) == [pause.id, resume.id], "the repeat is not answered twice")
      let times = try run.outbox.facts(MessagesPaused.self).map(\.changedAt)
      #expect(try run.outbox.facts(MessagesResumed.self)[0].changedAt > times[0], "readers know which was the last")
      let kept = try await database.term.pool.query("SELECT message_id FROM scheduler.early_commands")
      #expect(kept.count == 1)
    }
  }

  @Test("a run ends with its time, after one command at least")
  func deadline() async throws {
    try await SchedulerDatabase.with { database in
      let span = try await database.takeIn(database.message(5)).admitted[0].span
      let pause = try SchedulerDatabase.received(.pause, .message(span.messageID))
      let resume = try SchedulerDatabase.received(.resume, .message(span.messageID))
      let store = CommandStore(term: database.term)
      let first = try await store.apply([(pause, span.messageID), (resume, span.messageID)], until: .now)
      #expect(first.count == 1 && first.changes.count == 1)
      let second = try await store.apply([(resume, span.messageID)], until: .now)
      #expect(second.count == 1 && second.changes.map(\.admitted.count) == [1])
    }
  }

  @Test("a large retry-failed goes in steps, goes on with the next leader, and looks at no unit twice")
  func retry() async throws {
    try await SchedulerDatabase.with { database in
      let count = 2 * RetryStore.batchSize + 20
      let span = try await database.failedMessage(count)
      let command = try SchedulerDatabase.received(.retryFailed, .message(span.messageID))
      let store = RetryStore(term: database.term)
      let begun = try #require(try await store.begin(command, span.messageID).retry)
      let first = try await store.step(begun)
      #expect(first.retry.count == RetryStore.batchSize && !first.retry.isDone)
      #expect(try first.outbox.facts(CommandAnswered.self).isEmpty)
      #expect(first.changes.returned.count == RetryStore.batchSize)
      // One of them fails again before the next step.
      try await database.fail([first.changes.returned[0].unit.unit])
      let left = try await store.open()
      var retry = try #require(left.first)
      #expect(left.count == 1 && retry.nextIndex == first.retry.nextIndex && retry.count == first.retry.count)
      var outbox: [OutboxEntry] = []
      while !retry.isDone {
        let step = try await store.step(retry)
        retry = step.retry
        outbox += step.outbox
      }
      let answer = try outbox.answer()
      #expect(answer.result == .done && answer.counts?.pending == count)
      let again = try await store.begin(command, span.messageID)
      #expect(again.retry == nil && again.outbox.isEmpty, "a repeat of the command changes nothing")
      let states = try await database.term.pool.query("SELECT state, count(*) AS units FROM scheduler.units GROUP BY 1")
      let counts = Dictionary(
        uniqueKeysWithValues: try states.map {
          (try $0.decode("state", as: String.self), try $0.decode("units", as: Int.self))
        })
      #expect(counts == ["pending": count - 1, "failed": 1])
    }
  }

  @Test("a cancellation between two steps of a retry-failed ends it")
  func cancelled() async throws {
    try await SchedulerDatabase.with { database in
      let span = try await database.failedMessage(2 * RetryStore.batchSize)
      let command = try SchedulerDatabase.received(.retryFailed, .message(span.messageID))
      let store = RetryStore(term: database.term)
      let begun = try #require(try await store.begin(command, span.messageID).retry)
      let first = try await store.step(begun)
      _ = try await database.command(.cancel, span.messageID)
      let second = try await store.step(first.retry)
      #expect(second.retry.isDone && second.changes.returned.isEmpty)
      #expect(try second.outbox.answer().counts?.pending == RetryStore.batchSize)
      let pending = try await database.term.pool.query("SELECT 1 AS one FROM scheduler.units WHERE state = 'pending'")
      #expect(pending.isEmpty)
    }
  }

  @Test("what expired before it was ever dispatched goes again in steps, too")
  func expired() async throws {
    try await SchedulerDatabase.with { database in
      let count = 2 * RetryStore.batchSize + 5
      let span = try await database.takeIn(database.message(count, expiresAt: .now() + .milliseconds(50)))
        .admitted[0].span
      try await database.pass(.milliseconds(60))
      _ = try await SweepStore(term: database.term).expire()
      let result = try await database.command(.retryFailed, span.messageID)
      #expect(try result.outbox.answer().counts?.pending == count)
      let indexes = result.changes.returned.map(\.unit.unit.index)
      #expect(indexes.count == count && Set(indexes).count == count)
      let row = try await database.term.pool.query(
        """
        SELECT count(*) AS messages FROM scheduler.messages
        WHERE cut_from IS NULL AND cut_state IS NULL AND expired = 0 AND finished_at IS NULL AND expires_at IS NULL
        """
      ).first
      #expect(try row?.decode("messages", as: Int.self) == 1)
    }
  }
}

extension SchedulerDatabase {
  /// A message all of whose units were refused by the provider.
  fileprivate func failedMessage(_ count: Int) async throws -> MessageSpan {
    let span = try await takeIn(message(count)).admitted[0].span
    _ = try await dispatch(span, 0..<count)
    try await term.pool.query("UPDATE scheduler.units SET state = 'failed'")
    try await term.pool.query("UPDATE scheduler.messages SET failed = \(count), finished_at = now()")
    return span
  }

  /// Lets units that wait fail.
  fileprivate func fail(_ units: [UnitID]) async throws {
    for unit in units {
      try await term.pool.query(
        """
        UPDATE scheduler.units SET state = 'failed'
        WHERE message_id = \(unit.messageID.uuid) AND unit_index = \(unit.index)
        """)
      try await term.pool.query(
        "UPDATE scheduler.messages SET failed = failed + 1 WHERE message_id = \(unit.messageID.uuid)")
    }
  }

  /// The length of an expiry, which is what a test is about.
  fileprivate func pass(_ time: Duration) async throws { try await Task.sleep(for: time) }
}
