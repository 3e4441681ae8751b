import Contracts
import Foundation
import Logging
import Postgres
import TestSupport
import Testing

@testable import Sender

@Suite("The gate", .serialized)
struct GateTests {
  private let limit = ProviderLimit(count: 2, windowMilliseconds: 400, pacing: .sliding, version: 1)

  private func withGate(_ body: (Gate) async throws -> Void) async throws {
    let database = try await PostgresCluster.shared().makeDatabase()
    let logger = Logger(label: "gate-tests")
    let pool = PostgresPool(configuration: try PostgresConfiguration(url: database), logger: logger)
    try await Migrator.migrate(
      schema: SenderSchema.name, migrations: SenderSchema.migrations, pool: pool, logger: logger)
    try await body(Gate(pool: pool, holder: "test", incarnation: UUID()))
    await pool.close()
  }

  private func applicant(_ index: Int = 0, notAfter: Duration = .seconds(60), cost: Int = 1) -> Gate.Applicant {
    Gate.Applicant(
      attempt: SendCommand.Attempt(
        id: AttemptID(messageID: .timeOrdered(), index: index, dispatch: 0), phone: "+85291234567", content: "x",
        cost: cost),
      notAfter: .now() + notAfter)
  }

  private func claim(_ gate: Gate, _ applicants: [Gate.Applicant], limit: ProviderLimit? = nil) async throws
    -> [GateVerdict]
  {
    try await gate.claim(applicants, provider: "p", limit: limit ?? self.limit, timeout: .seconds(30)).verdicts
  }

  private func claimedAt(_ verdict: GateVerdict) -> Timestamp? {
    if case .claimed(let at) = verdict { at } else { nil }
  }

  private func accept(_ gate: Gate, _ attempt: AttemptID, at time: Timestamp) async throws {
    let verdict = ReplyClassifier.Verdict(outcome: .accepted, reply: nil, errorCode: nil, retryAfter: nil)
    try await gate.finish(
      [Gate.Ending(attempt: attempt, verdict: verdict, startedAt: time, finishedAt: time)], provider: "p")
  }

  @Test("lets through as many as the window has, then says for how long it is full")
  func window() async throws {
    try await withGate { gate in
      let verdicts = try await claim(gate, [applicant(0), applicant(1), applicant(2)])
      #expect(verdicts.compactMap(claimedAt).count == 2)
      guard case .wait(let duration) = verdicts[2] else {
        Issue.record("the third was not told to wait: \(verdicts[2])")
        return
      }
      // Without answers a slot is held for 350 ms and the window.
      #expect(duration > .milliseconds(700) && duration <= .milliseconds(752))
    }
  }

  @Test("four at once for two seconds never get more than the window allows")
  func contention() async throws {
    try await withGate { gate in
      let deadline = ContinuousClock.now + .seconds(2)
      let claims = try await withThrowingTaskGroup(of: [Timestamp].self) { group in
        for _ in 0..<4 {
          group.addTask {
            var times: [Timestamp] = []
            while ContinuousClock.now < deadline {
              let candidate = applicant()
              let verdict = try await claim(gate, [candidate])[0]
              if let at = claimedAt(verdict) {
                times.append(at)
                try await accept(gate, candidate.attempt.id, at: at)
              }
            }
            return times
          }
        }
        return try await group.reduce(into: [Timestamp]()) { $0 += $1 }.sorted()
      }
      for index in claims.indices.dropLast(2) {
        #expect(claims[index + 2] - claims[index] >= .milliseconds(400))
      }
      #expect(claims.count >= 8, "and the window is used: \(claims.count)")
    }
  }

  @Test("the same attempt is let through once, whoever asks again")
  func once() async throws {
    try await withGate { gate in
      let candidate = applicant()
      let first = try await claim(gate, [candidate])
      #expect(claimedAt(first[0]) != nil)
      let whileInFlight = try await claim(gate, [candidate])
      #expect(whileInFlight == [.inFlight])
      try await accept(gate, candidate.attempt.id, at: .now())
      let afterwards = try await claim(gate, [candidate])
      #expect(afterwards == [.finished])
    }
  }

  @Test("after its deadline an attempt is written down as expired, for good")
  func expired() async throws {
    try await withGate { gate in
      let late = applicant(notAfter: .seconds(-1))
      let verdict = try await claim(gate, [late])
      #expect(verdict == [.expired])
      var again = late
      again.notAfter = .now() + .seconds(60)
      let repeated = try await claim(gate, [again])
      #expect(repeated == [.expired])
    }
  }

  /// Lets one to a number through and has it refused.
  private func refuse(_ gate: Gate, _ phone: String, retryAfter: Double = 7) async throws -> AttemptID {
    var candidate = applicant()
    candidate.attempt.phone = phone
    try await eventually(within: .seconds(5), "the gate is open") {
      claimedAt(try await claim(gate, [candidate])[0]) != nil
    }
    let verdict = ReplyClassifier.Verdict(
      outcome: .throttled, reply: nil, errorCode: "http_429", retryAfter: retryAfter)
    try await gate.finish(
      [
        Gate.Ending(
          attempt: candidate.attempt.id, verdict: verdict, startedAt: .now(), finishedAt: .now(), phone: phone)
      ], provider: "p")
    return candidate.attempt.id
  }

  private func closing(_ gate: Gate) async throws -> Duration {
    if case .wait(let duration) = try await claim(gate, [applicant()])[0] { duration } else { .zero }
  }

  @Test("one throttled number closes the gate for a moment, a second one for as long as the provider asks")
  func throttled() async throws {
    try await withGate { gate in
      let first = try await refuse(gate, "+85291234567")
      let moment = try await closing(gate)
      #expect(moment > .seconds(1) && moment <= .seconds(2))
      let second = try await refuse(gate, "+85291234568")
      let long = try await closing(gate)
      #expect(long > .seconds(6) && long <= .seconds(7))
      let ledger = OutcomeLedger(pool: gate.pool)
      let scopes = try await ledger.reports(of: [first, second]).flatMap(\.outcomes)
        .reduce(into: [:]) { $0[$1.attempt] = $1.throttleScope }
      #expect(scopes == [first: .number, second: .provider])
    }
  }

  @Test("while others are accepted a number's own limit does not close the gate again")
  func ownLimit() async throws {
    try await withGate { gate in
      _ = try await refuse(gate, "+85291234567")
      let other = applicant()
      try await eventually(within: .seconds(5), "the gate is open") {
        claimedAt(try await claim(gate, [other])[0]) != nil
      }
      try await accept(gate, other.attempt.id, at: .now())
      _ = try await refuse(gate, "+85291234567")
      #expect(try await closing(gate) < .milliseconds(500), "no more than its own slot")
    }
  }

  @Test("an attempt of which no byte was written gives its slot back at once")
  func unsent() async throws {
    try await withGate { gate in
      let lost = [applicant(0), applicant(1)]
      #expect(try await claim(gate, lost).compactMap(claimedAt).count == 2)
      try await gate.expire([lost[0].attempt.id])
      let verdict = ReplyClassifier.Verdict(outcome: .retryable, reply: nil, errorCode: "connection")
      try await gate.finish(
        [Gate.Ending(attempt: lost[1].attempt.id, verdict: verdict, startedAt: nil, finishedAt: .now())], provider: "p")
      let next = try await claim(gate, [applicant(2), applicant(3), applicant(4)])
      #expect(next.compactMap(claimedAt).count == 2, "and no more than that")
      let outcomes = try await OutcomeLedger(pool: gate.pool).reports(of: lost.map(\.attempt.id)).flatMap(\.outcomes)
      #expect(outcomes.count == 1 && outcomes.allSatisfy(\.isUnsent))
    }
  }

  @Test("an older setting does not undo a newer one")
  func versions() async throws {
    try await withGate { gate in
      let one = ProviderLimit(count: 1, windowMilliseconds: 400, pacing: .sliding, version: 2)
      _ = try await claim(gate, [applicant()], limit: one)
      let verdicts = try await claim(gate, [applicant()])
      #expect(verdicts.compactMap(claimedAt).isEmpty, "version 1 would allow a second")
    }
  }

  @Test("a sender with older settings keeps to the newer pacing too")
  func pacingOfNewerVersion() async throws {
    try await withGate { gate in
      let strict = ProviderLimit(count: 2, windowMilliseconds: 100, pacing: .strict, version: 2)
      _ = try await claim(gate, [applicant(0)], limit: strict)
      let older = ProviderLimit(count: 2, windowMilliseconds: 100, pacing: .sliding, version: 1)
      let verdicts = try await claim(gate, [applicant(1), applicant(2)], limit: older)
      guard claimedAt(verdicts[0]) != nil, case .wait(let duration) = verdicts[1] else {
        Issue.record("one fits: \(verdicts)")
        return
      }
      #expect(duration > .seconds(29), "both hold their slots until the answer")
    }
  }

  @Test("an SMS of several segments takes as many slots, one longer than the limit goes alone, and none overtakes")
  func segments() async throws {
    try await withGate { gate in
      let limit = ProviderLimit(count: 3, windowMilliseconds: 200, pacing: .sliding, version: 1)
      let first = try await claim(gate, [applicant(cost: 2), applicant(cost: 2), applicant()], limit: limit)
      #expect(first.map(\.isClaimed) == [true, false, false], "the third would fit, but comes after the second")
      let whole = try await claim(gate, [applicant(cost: 5)], limit: limit)
      #expect(whole.map(\.isClaimed) == [false])
      try await gate.pool.query("UPDATE sender.ledger SET anchor_at = sluice.clock() - interval '201 milliseconds'")
      let alone = try await claim(gate, [applicant(cost: 5), applicant()], limit: limit)
      #expect(alone.map(\.isClaimed) == [true, false])
    }
  }

  @Test("asked twice in one call, the second answer knows of the first")
  func twiceInOneCall() async throws {
    try await withGate { gate in
      let (good, late) = (applicant(), applicant(notAfter: .seconds(-1)))
      let verdicts = try await claim(gate, [good, late, good, late])
      #expect(verdicts[0].isClaimed)
      #expect(Array(verdicts[1...]) == [.expired, .inFlight, .expired])
    }
  }

  @Test("pruning takes what was reported long ago, and nothing that is claimed or unreported")
  func pruning() async throws {
    try await withGate { gate in
      let wide = ProviderLimit(count: 10, windowMilliseconds: 400, pacing: .sliding, version: 1)
      let (reported, unreported, claimed, young) = (applicant(0), applicant(1), applicant(2), applicant(3))
      let late = applicant(4, notAfter: .seconds(-1))
      _ = try await claim(gate, [reported, unreported, claimed, young, late], limit: wide)
      for one in [reported, unreported, young] { try await accept(gate, one.attempt.id, at: .now()) }
      try await gate.pool.query(
        """
        UPDATE sender.ledger SET reported_at = sluice.clock() - CASE unit_index WHEN 3 THEN 6 ELSE 8 END * interval '1 day',
          anchor_at = anchor_at - CASE unit_index WHEN 3 THEN 6 ELSE 8 END * interval '1 day',
          recorded_at = recorded_at - CASE unit_index WHEN 3 THEN 6 ELSE 8 END * interval '1 day'
        WHERE unit_index IN (0, 3, 4)
        """)
      try await gate.pool.query(
        "UPDATE sender.ledger SET anchor_at = anchor_at - interval '8 days' WHERE unit_index IN (1, 2)")
      let deleted = try await LedgerPruning(pool: gate.pool, logger: Logger(label: "gate-tests")).prune()
      #expect(deleted == 2)
      let left = try await gate.pool.query("SELECT unit_index FROM sender.ledger ORDER BY unit_index")
      #expect(try left.map { try $0.decode("unit_index", as: Int.self) } == [1, 2, 3])
    }
  }

  @Test("a request that is under way lets its slot go a window and 250 ms after its first byte")
  func relaxed() async throws {
    try await withGate { gate in
      let (first, second) = (applicant(0), applicant(1))
      let verdicts = try await claim(gate, [first, second])
      let started = try #require(claimedAt(verdicts[0])) + .milliseconds(5)
      try await gate.relax([(first.attempt.id, started), (second.attempt.id, started)])
      guard case .wait(let duration) = try await claim(gate, [applicant(2)])[0] else {
        Issue.record("the gate is open")
        return
      }
      #expect(duration <= .milliseconds(5 + 250 + 401))
    }
  }

  @Test("a silent life's claims are taken over as unknown, and a real answer still wins")
  func orphans() async throws {
    try await withGate { gate in
      let candidate = applicant()
      _ = try await claim(gate, [candidate])
      let first = Lives(pool: gate.pool, holder: gate.holder, incarnation: gate.incarnation)
      let next = Lives(pool: gate.pool, holder: gate.holder, incarnation: UUID())
      try await first.beat()
      let seen = try await next.beat()
      #expect(Set(seen.keys) == [gate.incarnation])
      let own = try await first.end([gate.incarnation: 1])
      #expect(own.isEmpty, "not its own")
      try await first.beat()
      let alive = try await next.end(seen)
      #expect(alive.isEmpty, "it has beaten since")
      let others = try await next.end(try await next.beat())
      #expect(others == [candidate.attempt.id])
      let ledger = OutcomeLedger(pool: gate.pool)
      let orphanReport = try await ledger.reports(of: [candidate.attempt.id])[0]
      let orphan = orphanReport.outcomes[0]
      #expect(orphan.outcome == .unknown && orphan.errorCode == "orphaned")
      try await accept(gate, candidate.attempt.id, at: .now())
      let answer = try await ledger.unreported(olderThan: .zero)[0].outcomes[0]
      #expect(answer.outcome == .accepted)
      try await ledger.markReported(orphanReport)
      let open = try await ledger.unreported(olderThan: .zero)
      #expect(open.count == 1, "what was confirmed is not what is known now")
      try await ledger.markReported(open[0])
      let left = try await ledger.unreported(olderThan: .zero)
      #expect(left.isEmpty)
    }
  }

  @Test("a clock that steps forward makes no orphans of living senders' claims, of the same name or not")
  func steppedForward() async throws {
    try await withGate { gate in
      let first = Lives(pool: gate.pool, holder: gate.holder, incarnation: gate.incarnation)
      let twin = Lives(pool: gate.pool, holder: gate.holder, incarnation: UUID())
      try await first.beat()
      _ = try await claim(gate, [applicant()])
      try await gate.pool.query("UPDATE sender.ledger SET orphaned_after_at = sluice.clock() - interval '1 hour'")
      _ = try await twin.beat()
      let orphans = try await twin.end([:])
      #expect(orphans.isEmpty)
      try await first.leave()
      let stillThere = try await twin.beat()
      #expect(stillThere.count == 1, "a life with claims does not leave")
      try await gate.pool.query("DELETE FROM sender.lives")
      let unknown = try await twin.end([:])
      #expect(unknown.count == 1, "a claim of no known life ends by the database's clock")
    }
  }

  @Test("a clock that stepped back does not close the gate for longer than a window")
  func steppedBack() async throws {
    try await withGate { gate in
      try await gate.pool.query("UPDATE sender.gates SET closed_until_at = closed_until_at")
      _ = try await claim(gate, [applicant(0), applicant(1)])
      // As if these had been claimed before the clock went back by an hour.
      try await gate.pool.query("UPDATE sender.ledger SET anchor_at = anchor_at + interval '1 hour'")
      let verdict = try await claim(gate, [applicant(2)])[0]
      guard case .wait(let duration) = verdict else {
        Issue.record("the gate is open")
        return
      }
      #expect(duration <= .milliseconds(401))
    }
  }

  @Test("a strict gate holds the slot until the answer")
  func strict() async throws {
    try await withGate { gate in
      let strict = ProviderLimit(count: 1, windowMilliseconds: 100, pacing: .strict, version: 1)
      let candidate = applicant()
      _ = try await claim(gate, [candidate], limit: strict)
      guard case .wait(let duration) = try await claim(gate, [applicant()], limit: strict)[0] else {
        Issue.record("the gate is open")
        return
      }
      #expect(duration > .seconds(29))
      try await accept(gate, candidate.attempt.id, at: .now())
      try await eventually(within: .seconds(2), "the gate opens a window after the answer") {
        try await claim(gate, [applicant()], limit: strict).compactMap(claimedAt).count == 1
      }
    }
  }
}
