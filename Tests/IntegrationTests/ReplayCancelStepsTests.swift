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
      #expect(begun.changes.withdrawnReturns.count == size && begun.changes.withdrawnUnits.count == size)
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
      let open = try await store.open()
      #expect(repeated.cancellation.isDone && open.isEmpty, "a redelivery only has to be acknowledged")
      let left = try await database.pendingInLedger()
      #expect(left.isEmpty)
    }
  }
}
