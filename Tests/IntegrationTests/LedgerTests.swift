import Contracts
import Foundation
import Logging
import Metering
import NIOConcurrencyHelpers
import Postgres
import TestSupport
import Testing

@testable import Scheduler

@Suite("The scheduler's ledger", .serialized)
struct LedgerTests {
  @Test("a count says what the facts up to its mark say, whatever has happened to the messages", arguments: [1, 2, 3])
  func count(seed: UInt64) async throws {
    try await SchedulerDatabase.with { database in
      var life = MessageLife(database: database, generator: SeededGenerator(seed: seed))
      for _ in 0..<250 { try await life.step() }
      let store = LedgerStore(term: database.term, pool: database.term.pool)
      let marked = try await store.mark()
      #expect(try marked.outbox.facts(LedgerMarked.self).map(\.mark) == [marked.mark])
      let expected = life.facts.buckets
      let after = NIOLockedValueBox(life)
      let counted = try await store.count(as: marked.mark) {
        // What the loop does meanwhile is neither held up nor counted.
        var life = after.withLockedValue { $0 }
        for _ in 0..<40 { try await life.step() }
        after.withLockedValue { $0 = life }
        return true
      }
      #expect(counted?.mark == marked.mark)
      #expect(counted?.buckets == expected)
      // And the next one counts that too.
      let next = try await store.count(as: .timeOrdered()) { true }
      #expect(next?.buckets == after.withLockedValue { $0.facts.buckets })
      #expect(next?.buckets != expected)
      let states = Set(UnitState.allCases.filter { state in expected.contains { $0.counts[state] > 0 } })
      #expect(states.isSuperset(of: [.pending, .sending, .retrying, .sent, .failed]), "\(states)")
    }
  }

  @Test("no count without a snapshot in time, nor by a leader who is deposed")
  func refusals() async throws {
    try await SchedulerDatabase.with { database in
      _ = try await database.takeIn(database.message(2))
      let store = LedgerStore(term: database.term, pool: database.term.pool)
      let late = try await store.count(as: .timeOrdered()) { false }
      #expect(late == nil)
      _ = try await database.lease.take(isRestart: true)
      await #expect(throws: StoreError.self) { _ = try await store.count(as: .timeOrdered()) { true } }
      await #expect(throws: StoreError.self) { _ = try await store.mark() }
    }
  }

  @Test("nothing is marked for a count before it has its connection, and a snapshot holds what came before its mark")
  func connection() async throws {
    try await SchedulerDatabase.with { database in
      var configuration = try PostgresConfiguration(url: database.url)
      configuration.poolSize = 1
      configuration.overflow = 0
      let pool = PostgresPool(configuration: configuration, logger: Logger(label: "store-tests"))
      let store = LedgerStore(term: database.term, pool: pool)
      let isAsked = NIOLockedValueBox(false)
      let counting = try await pool.withConnection { _ in
        let counting = Task {
          try await store.count {
            isAsked.withLockedValue { $0 = true }
            // The loop's last transaction before the mark.
            _ = try await database.takeIn(database.message(3))
            return try await store.mark().mark
          } onSnapshot: {
            true
          }
        }
        let other = try await database.term.pool.query("SELECT 1 AS one")
        #expect(other.count == 1 && !isAsked.withLockedValue { $0 })
        return counting
      }
      let counted = try await counting.value
      #expect(counted?.buckets.map(\.counts.pending) == [3])
      let never = try await store.count(marking: { nil }, onSnapshot: { true })
      #expect(never == nil)
      await pool.close()
    }
  }
}

extension LedgerStore {
  fileprivate func count(
    as mark: EnvelopeID, onSnapshot: @Sendable () async throws -> Bool
  ) async throws -> LedgerCounted? {
    try await count(marking: { mark }, onSnapshot: onSnapshot)
  }
}

/// Lets messages live through whatever the stores can do to them, and keeps the facts.
private struct MessageLife: Sendable {
  let database: SchedulerDatabase
  var generator: SeededGenerator
  var facts = FactFold()
  private var spans: [MessageID: MessageSpan] = [:]
  private var inFlight: [AttemptID] = []
  private var returned: [OutcomeStore.Returned] = []
  private var replays: [ReplayID] = []

  init(database: SchedulerDatabase, generator: SeededGenerator) {
    self.database = database
    self.generator = generator
  }

  mutating func step() async throws {
    switch Int.random(in: 0..<24, using: &generator) {
    case 0...4: try await takeIn()
    case 5...9: try await dispatch()
    case 10...15: try await report()
    case 16: try await again()
    case 17: try await command(.cancel)
    case 18: try await command(.retryFailed)
    case 19...22: try await decide()
    default: try await command(Bool.random(using: &generator) ? .pause : .resume)
    }
  }

  private mutating func takeIn() async throws {
    let isExpiring = Int.random(in: 0..<8, using: &generator) == 0
    let isScheduled = Int.random(in: 0..<8, using: &generator) == 0
    let message = database.message(
      Int.random(in: 1...6, using: &generator), sendAt: isScheduled ? .now() + .seconds(60) : nil,
      expiresAt: isExpiring ? .now() + .milliseconds(1) : nil)
    let result = try await database.takeIn(message)
    for entry in result.admitted { spans[entry.span.messageID] = entry.span }
    try facts.fold(result.outbox)
    if isExpiring {
      let expired = try await SweepStore(term: database.term).expire()
      for changes in expired.changes { follow(changes) }
      try facts.fold(expired.outbox)
    }
  }

  private mutating func dispatch() async throws {
    guard
      let span = spans.values.filter({ $0.rest > 0 }).sorted(by: { $0.firstNumber < $1.firstNumber }).randomElement(
        using: &generator)
    else { return }
    let until = Int.random(in: span.cursor + 1...span.total, using: &generator)
    let picks = (span.cursor..<until).map {
      pick(.fresh(UnitID(messageID: span.messageID, index: $0)))
    }
    spans[span.messageID]?.cursor = until
    try await issue(picks)
  }

  private mutating func again() async throws {
    guard !returned.isEmpty else { return }
    try await issue([pick(.returned(returned.removeFirst().unit))])
  }

  private func pick(_ source: DispatchPick.Source) -> DispatchPick {
    DispatchPick(source: source, flow: FlowKey(messageClass: .normal, userID: database.user), provider: "hkt", cost: 1)
  }

  private mutating func issue(_ picks: [DispatchPick]) async throws {
    let result = try await DispatchStore(term: database.term).issue(
      [DispatchStore.Order(provider: "hkt", limit: SchedulerDatabase.limit, picks: picks)],
      tags: [FlowTags(flowID: 1, tags: ["hkt": 5])])
    inFlight += result.commands.flatMap(\.command.attempts).map(\.id)
    try facts.fold(result.outbox)
  }

  private mutating func report() async throws {
    guard !inFlight.isEmpty else { return }
    let attempt = inFlight.remove(at: Int.random(in: 0..<inFlight.count, using: &generator))
    let reports: [UnitTransition.Report] = [
      .outcome(.accepted), .outcome(.accepted), .outcome(.rejected), .outcome(.retryable), .outcome(.throttled),
      .outcome(.unknown), .expired,
    ]
    guard let report = reports.randomElement(using: &generator) else { return }
    let result = try await database.report(attempt, report)
    returned += result.returned
    try facts.fold(result.outbox)
  }

  /// Replays letters, settles them, or cancels a replay; also letters that are closed by then.
  private mutating func decide() async throws {
    if replays.count > 2, Int.random(in: 0..<3, using: &generator) == 0 {
      return try take(try await database.cancel(replays.removeFirst()))
    }
    guard let letter = facts.letters.randomElement(using: &generator) else { return }
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: try take(try await database.settle([letter], as: letter.state == .dead ? .abandoned : .sent))
    case 1: try take(try await database.settle([letter], as: .failed))
    default:
      replays.append(ReplayID.timeOrdered())
      let letters = Dictionary([letter, facts.letters[0]].map { ($0.unit, $0) }, uniquingKeysWith: { $1 })
      try take(try await database.replay(Array(letters.values), id: replays[replays.count - 1]))
    }
  }

  private mutating func take(_ result: CommandStore.Result) throws {
    follow(result.changes)
    try facts.fold(result.outbox)
  }

  private mutating func command(_ action: MessageCommand.Action) async throws {
    guard let id = facts.messages.randomElement(using: &generator) else { return }
    let result = try await database.command(action, id)
    follow(result.changes)
    try facts.fold(result.outbox)
  }

  private mutating func follow(_ changes: MessageStore.Changes) {
    for entry in changes.withdrawn {
      spans[entry.span.messageID] = nil
      returned.removeAll { $0.unit.unit.messageID == entry.span.messageID }
    }
    for unit in changes.withdrawnUnits { returned.removeAll { $0.unit.unit == unit } }
    for entry in changes.admitted { spans[entry.span.messageID] = entry.span }
    returned += changes.returned
  }
}

/// What the facts say, folded as a reader of the log does: the highest version of each unit wins.
private struct FactFold: Sendable {
  private var units: [MessageID: [(version: Int, state: UnitState)]] = [:]
  /// In order, so that the same seed finds the same ones.
  private(set) var messages: [MessageID] = []
  private(set) var letters: [UnitsDead.Entry] = []

  mutating func fold(_ entries: [OutboxEntry]) throws {
    letters += try entries.facts(UnitsDead.self).flatMap(\.units)
    for message in try entries.facts(MessagesQueued.self).flatMap(\.messages) {
      units[message.messageID] = Array(repeating: (0, .pending), count: message.total)
      messages.append(message.messageID)
    }
    for fact in try entries.facts(UnitsDispatched.self) {
      for entry in fact.units { set(entry.attempt.unit, entry.attempt.dispatch, .sending) }
    }
    for cut in try entries.facts(MessagesCancelled.self).flatMap(\.messages) { fold(cut, .cancelled) }
    for cut in try entries.facts(MessagesExpired.self).flatMap(\.messages) { fold(cut, .expired) }
    for change in try entries.facts(UnitsChanged.self).flatMap(\.units) {
      set(change.attempt.unit, change.dispatch, change.state)
    }
  }

  private mutating func fold(_ cut: CutMessage, _ state: UnitState) {
    for index in cut.fromIndex..<cut.total { set(UnitID(messageID: cut.messageID, index: index), 0, state) }
  }

  private mutating func set(_ unit: UnitID, _ dispatch: Int, _ state: UnitState) {
    let version = UnitVersion.of(dispatch: dispatch, state: state)
    guard let old = units[unit.messageID]?[unit.index], version > old.version else { return }
    units[unit.messageID]?[unit.index] = (version, state)
  }

  /// The messages with a unit that is not final, by bucket.
  var buckets: [LedgerCounted.Bucket] {
    var buckets: [Int: LedgerCounted.Bucket] = [:]
    for (id, units) in units where units.contains(where: { !$0.state.isFinal }) {
      let bytes = withUnsafeBytes(of: id.uuid.uuid) { Array($0) }
      let number = Int(bytes[14] & 3) * 256 + Int(bytes[15])
      var bucket = buckets[number] ?? LedgerCounted.Bucket(bucket: number, messages: 0, counts: UnitCounts())
      bucket.messages += 1
      for unit in units { bucket.counts[unit.state] += 1 }
      buckets[number] = bucket
    }
    return buckets.values.sorted { $0.bucket < $1.bucket }
  }
}
