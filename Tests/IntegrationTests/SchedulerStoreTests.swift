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
  private let user = UserID.timeOrdered()
  private let limit = ProviderLimit(count: 2, windowMilliseconds: 1000, pacing: .sliding, version: 1)

  private func withTerm(_ body: (LeaderTerm, LeaderLease) async throws -> Void) async throws {
    let database = try await PostgresCluster.shared().makeDatabase()
    let logger = Logger(label: "store-tests")
    let pool = PostgresPool(configuration: try PostgresConfiguration(url: database), logger: logger)
    try await Migrator.migrate(
      schema: SchedulerSchema.name, migrations: SchedulerSchema.migrations, pool: pool, logger: logger)
    let lease = LeaderLease(pool: pool, schema: SchedulerSchema.name, holder: "test")
    let epoch = try #require(try await lease.take(isRestart: true))
    try await body(LeaderTerm(pool: pool, epoch: epoch), lease)
    await pool.close()
  }

  private func accepted(_ count: Int) -> Envelope<MessageAccepted> {
    Envelope(
      MessageAccepted(
        messageID: .timeOrdered(), userID: user, messageClass: .normal, content: "Hi, \"you\" 你好",
        recipients: (0..<count).map { "+852\(91_000_000 + $0)" }, segments: 1, encoding: "ucs2", acceptedAt: .now()))
  }

  private func spans(_ result: IntakeStore.Result) -> [MessageSpan] { result.admitted.map(\.span) }

  /// Dispatches the next `count` units of a message that was just taken in.
  private func dispatch(
    _ span: MessageSpan, _ range: Range<Int>, _ term: LeaderTerm
  ) async throws -> [SendCommand.Attempt] {
    let picks = range.map {
      DispatchPick(
        source: .fresh(UnitID(messageID: span.messageID, index: $0)),
        flow: FlowKey(messageClass: .normal, userID: user), provider: "hkt", cost: 1)
    }
    let result = try await DispatchStore(term: term).issue(
      [DispatchStore.Order(provider: "hkt", limit: limit, picks: picks)], tags: [(1, 5)])
    return result.commands.flatMap(\.command.attempts)
  }

  private func report(_ attempt: AttemptID, _ report: UnitTransition.Report) -> OutcomeStore.Report {
    OutcomeStore.Report(
      attempt: attempt, provider: "hkt", report: report, reply: ProviderReply(status: 200, body: "OK"), errorCode: nil,
      startedAt: .now(), finishedAt: .now())
  }

  @Test("a message is taken in once, however often it is delivered, and keeps its numbers")
  func intake() async throws {
    try await withTerm { term, _ in
      let store = IntakeStore(term: term)
      let (first, second) = (accepted(3), accepted(2))
      let added = try await store.add([first, first, second])
      #expect(spans(added).map(\.firstNumber) == [0, 3])
      #expect(added.outbox.map(\.type) == ["message.queued"])
      let repeated = try await store.add([second, first])
      #expect(repeated.admitted.isEmpty && repeated.outbox.isEmpty)
      let third = try await store.add([accepted(1)])
      #expect(spans(third).map(\.firstNumber) == [5])
    }
  }

  @Test("dispatch moves the cursor, gives content and numbers, and refuses what memory has wrong")
  func dispatching() async throws {
    try await withTerm { term, _ in
      let message = accepted(5)
      let span = spans(try await IntakeStore(term: term).add([message]))[0]
      let attempts = try await dispatch(span, 0..<2, term)
      #expect(attempts.map(\.phone) == Array(message.body.recipients[0..<2]))
      #expect(attempts.allSatisfy { $0.content == message.body.content })
      await #expect(throws: StoreError.self) { _ = try await dispatch(span, 1..<3, term) }
      let rest = try await dispatch(span, 2..<5, term)
      #expect(rest.map(\.id.index) == [2, 3, 4])
    }
  }

  @Test("outcomes finish a message exactly once, and a repeat changes nothing")
  func outcomes() async throws {
    try await withTerm { term, _ in
      let span = spans(try await IntakeStore(term: term).add([accepted(2)]))[0]
      let attempts = try await dispatch(span, 0..<2, term).map(\.id)
      let store = OutcomeStore(term: term)
      let first = try await store.apply([report(attempts[0], .outcome(.accepted))], policies: [:])
      #expect(first.outbox.map(\.type) == ["unit.changed"])
      let again = try await store.apply([report(attempts[0], .outcome(.rejected))], policies: [:])
      #expect(again.outbox.isEmpty)
      let last = try await store.apply([report(attempts[1], .outcome(.unknown))], policies: [:])
      #expect(last.outbox.map(\.type) == ["unit.changed", "unit.dead", "message.finished"])
      let late = try await store.apply([report(attempts[1], .outcome(.accepted))], policies: [:])
      #expect(late.outbox.map(\.type) == ["unit.changed", "letter.closed", "message.finished"])
    }
  }

  @Test("a unit whose lease ran out comes back and goes out under the next dispatch number")
  func expiredLease() async throws {
    try await withTerm { term, _ in
      let span = spans(try await IntakeStore(term: term).add([accepted(1)]))[0]
      let attempt = try #require(try await dispatch(span, 0..<1, term).first)
      let result = try await OutcomeStore(term: term).apply([report(attempt.id, .expired)], policies: [:])
      let returned = try #require(result.returned.first)
      #expect(returned.dueAt == nil && returned.unit.nextDispatch == 1)
      let waiting = try await TakeOver(term: term).waiting()
      #expect(waiting.map(\.unit) == [returned.unit])
      let pick = DispatchPick(source: .returned(returned.unit), flow: returned.flow, provider: "hkt", cost: 1)
      let next = try await DispatchStore(term: term).issue(
        [DispatchStore.Order(provider: "hkt", limit: limit, picks: [pick])], tags: [(1, 5)])
      #expect(next.commands[0].command.attempts[0].id.dispatch == 1)
      #expect(next.commands[0].command.attempts[0].phone == attempt.phone)
    }
  }

  @Test("a new leader finds the backlog and the outstanding commands, and the old one can do nothing more")
  func takeOver() async throws {
    try await withTerm { term, lease in
      let span = spans(try await IntakeStore(term: term).add([accepted(5)]))[0]
      let attempts = try await dispatch(span, 0..<2, term)
      let epoch = try #require(try await lease.take(isRestart: true))
      let next = LeaderTerm(pool: term.pool, epoch: epoch)
      let flows = try await TakeOver(term: next).flows()
      #expect(flows.map(\.unloaded) == [3] && flows.map(\.headNumber) == [2])
      let outstanding = try await TakeOver(term: next).outstanding(limits: ["hkt": limit])
      #expect(Set(outstanding.flatMap(\.command.attempts)) == Set(attempts))
      let page = try await TakeOver(term: next).page(flowID: flows[0].id, after: -1)
      #expect(page.map(\.cursor) == [2])
      await #expect(throws: StoreError.self) { _ = try await IntakeStore(term: term).add([accepted(1)]) }
    }
  }
}
