import Contracts
import Foundation
import Logging
import Metering
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import Scheduler

@Suite("The scheduler's store", .serialized)
struct SchedulerStoreTests {
  private let limit = SchedulerDatabase.limit

  private func spans(_ result: IntakeStore.Result) -> [MessageSpan] { result.admitted.map(\.span) }

  @Test("a message is taken in once, however often it is delivered, and keeps its numbers")
  func intake() async throws {
    try await SchedulerDatabase.with { database in
      let term = database.term
      let store = IntakeStore(term: term)
      let (first, second) = (database.message(3), database.message(2))
      let added = try await store.add([first, first, second])
      #expect(spans(added).map(\.firstNumber) == [0, 3])
      #expect(added.outbox.map(\.type) == ["message.queued"])
      let repeated = try await store.add([second, first])
      #expect(repeated.admitted.isEmpty && repeated.outbox.isEmpty)
      let third = try await store.add([database.message(1)])
      #expect(spans(third).map(\.firstNumber) == [5])
    }
  }

  @Test("dispatch moves the cursor, gives content and numbers, and refuses what memory has wrong")
  func dispatching() async throws {
    try await SchedulerDatabase.with { database in
      let term = database.term
      let message = database.message(5)
      let span = spans(try await IntakeStore(term: term).add([message]))[0]
      let attempts = try await database.dispatch(span, 0..<2)
      #expect(attempts.map(\.phone) == Array(message.body.recipients[0..<2]))
      #expect(attempts.allSatisfy { $0.content == message.body.content })
      await #expect(throws: StoreError.self) { _ = try await database.dispatch(span, 1..<3) }
      let rest = try await database.dispatch(span, 2..<5)
      #expect(rest.map(\.id.index) == [2, 3, 4])
    }
  }

  @Test("outcomes finish a message exactly once, and a repeat changes nothing")
  func outcomes() async throws {
    try await SchedulerDatabase.with { database in
      let term = database.term
      let span = spans(try await IntakeStore(term: term).add([database.message(2)]))[0]
      let attempts = try await database.dispatch(span, 0..<2).map(\.id)
      let first = try await database.report(attempts[0], .outcome(.accepted))
      #expect(first.outbox.map(\.type) == ["unit.changed"])
      let again = try await database.report(attempts[0], .outcome(.rejected))
      #expect(again.outbox.isEmpty)
      let last = try await database.report(attempts[1], .outcome(.unknown))
      #expect(last.outbox.map(\.type) == ["unit.changed", "unit.dead", "message.finished"])
      let late = try await database.report(attempts[1], .outcome(.accepted))
      #expect(late.outbox.map(\.type) == ["unit.changed", "letter.closed", "message.finished"])
    }
  }

  @Test("the fact about an SMS has the beginning of a long reply, its letter all that is kept")
  func longReply() async throws {
    try await SchedulerDatabase.with { database in
      let term = database.term
      let span = spans(try await IntakeStore(term: term).add([database.message(1)]))[0]
      let attempt = try await database.dispatch(span, 0..<1)[0].id
      let body = String(repeating: "長", count: 600)
      let result = try await OutcomeStore(term: term).apply(
        [
          OutcomeStore.Report(
            attempt: attempt, provider: "hkt", report: .outcome(.unknown),
            reply: ProviderReply(status: 200, body: body), errorCode: "cut", startedAt: .now(), finishedAt: .now())
        ], policies: [:])
      let change = try #require(try result.outbox.facts(UnitsChanged.self).first?.units.first)
      #expect(change.reply == ProviderReply(status: 200, body: String(repeating: "長", count: 85)))
      let letter = try #require(try result.outbox.facts(UnitsDead.self).first?.units.first)
      #expect(letter.attempts.last?.reply?.body == body)
    }
  }

  @Test("a unit whose lease ran out comes back and goes out under the next dispatch number")
  func expiredLease() async throws {
    try await SchedulerDatabase.with { database in
      let term = database.term
      let span = spans(try await IntakeStore(term: term).add([database.message(1)]))[0]
      let attempt = try #require(try await database.dispatch(span, 0..<1).first)
      let result = try await database.report(attempt.id, .expired)
      let returned = try #require(result.returned.first)
      #expect(returned.dueAt == nil && returned.unit.nextDispatch == 1)
      let waiting = try await TakeOver(term: term).waiting()
      #expect(waiting.map(\.unit) == [returned.unit])
      let pick = DispatchPick(source: .returned(returned.unit), flow: returned.flow, provider: "hkt", cost: 1)
      let next = try await DispatchStore(term: term).issue(
        [DispatchStore.Order(provider: "hkt", limit: limit, picks: [pick])],
        tags: [FlowTags(flowID: 1, tags: ["hkt": 5])])
      #expect(next.commands[0].command.attempts[0].id.dispatch == 1)
      #expect(next.commands[0].command.attempts[0].phone == attempt.phone)
    }
  }

  @Test("a new leader finds the backlog and the outstanding commands, and the old one can do nothing more")
  func takeOver() async throws {
    try await SchedulerDatabase.with { database in
      let (term, lease) = (database.term, database.lease)
      let span = spans(try await IntakeStore(term: term).add([database.message(5)]))[0]
      let attempts = try await database.dispatch(span, 0..<2)
      let epoch = try #require(try await lease.take(isRestart: true))
      let next = LeaderTerm(pool: term.pool, epoch: epoch)
      let flows = try await TakeOver(term: next).flows()
      #expect(flows.map(\.unloaded) == [3] && flows.map(\.headNumber) == [2])
      let outstanding = try await TakeOver(term: next).outstanding(limits: ["hkt": limit])
      #expect(Set(outstanding.flatMap(\.command.attempts)) == Set(attempts))
      let missing = MissingPage(key: flows[0].key, flowID: flows[0].id, after: -1)
      let pages = try await TakeOver(term: next).pages([missing])
      #expect(pages[flows[0].id]?.map(\.cursor) == [2])
      await #expect(throws: StoreError.self) { _ = try await IntakeStore(term: term).add([database.message(1)]) }
    }
  }

  @Test("the providers that a message may go by stay with it: in its page, in what comes back, and after a take-over")
  func allowedProviders() async throws {
    try await SchedulerDatabase.with { database in
      let term = database.term
      var message = database.message(3)
      message.body.providers = ["hkt", "provider2"]
      let (free, allowed) = (database.message(1), ["hkt", "provider2"])
      let added = spans(try await IntakeStore(term: term).add([message, free]))
      #expect(added.map(\.allowed) == [allowed, nil])
      let attempt = try #require(try await database.dispatch(added[0], 0..<1).first)
      let returned = try #require(try await database.report(attempt.id, .outcome(.retryable)).returned.first)
      #expect(returned.unit.allowed == allowed && returned.unit.avoided == ["hkt"])
      #expect(try await TakeOver(term: term).waiting().map(\.unit.allowed) == [allowed])
      let flows = try await TakeOver(term: term).flows()
      #expect(Set(flows.map(\.key.providers)) == [allowed, nil], "a flow for each set of providers")
      let missing = flows.map { MissingPage(key: $0.key, flowID: $0.id, after: -1) }
      let pages = try await TakeOver(term: term).pages(missing)
      for flow in flows { #expect(pages[flow.id]?.map(\.allowed) == [flow.key.providers]) }
      _ = try await database.command(.pause, message.body.messageID)
      let resumed = try await database.command(.resume, message.body.messageID)
      #expect(resumed.changes.admitted.map(\.span.allowed) == [allowed])
    }
  }
}
