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

  private func applicant(_ index: Int = 0, notAfter: Duration = .seconds(60)) -> Gate.Applicant {
    Gate.Applicant(
      attempt: SendCommand.Attempt(
        id: AttemptID(messageID: .timeOrdered(), index: index, dispatch: 0), phone: "+85291234567", content: "x",
        cost: 1),
      notAfter: .now() + notAfter)
  }

  private func claim(_ gate: Gate, _ applicants: [Gate.Applicant], limit: ProviderLimit? = nil) async throws
    -> [GateVerdict]
  {
    try await gate.claim(applicants, provider: "p", limit: limit ?? self.limit, timeout: .seconds(30))
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

  @Test("a throttled answer closes the gate for as long as the provider asks")
  func throttled() async throws {
    try await withGate { gate in
      let candidate = applicant()
      _ = try await claim(gate, [candidate])
      let verdict = ReplyClassifier.Verdict(outcome: .throttled, reply: nil, errorCode: "http_429", retryAfter: 7)
      try await gate.finish(
        [Gate.Ending(attempt: candidate.attempt.id, verdict: verdict, startedAt: .now(), finishedAt: .now())],
        provider: "p")
      guard case .wait(let duration) = try await claim(gate, [applicant()])[0] else {
        Issue.record("the gate is open")
        return
      }
      #expect(duration > .seconds(6) && duration <= .seconds(7))
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

  @Test("an earlier life's claims are taken over at once as unknown, and a real answer still wins")
  func orphans() async throws {
    try await withGate { gate in
      let candidate = applicant()
      _ = try await claim(gate, [candidate])
      let next = Gate(pool: gate.pool, holder: gate.holder, incarnation: UUID())
      let own = try await gate.takeOverOrphans()
      #expect(own == 0, "not its own")
      let others = try await next.takeOverOrphans()
      #expect(others == 1)
      let ledger = OutcomeLedger(pool: gate.pool)
      let orphan = try await ledger.reports(of: [candidate.attempt.id])[0].outcomes[0]
      #expect(orphan.outcome == .unknown && orphan.errorCode == "orphaned")
      try await accept(gate, candidate.attempt.id, at: .now())
      let answer = try await ledger.unreported(olderThan: .zero)[0].outcomes[0]
      #expect(answer.outcome == .accepted)
      try await ledger.markReported([candidate.attempt.id])
      let left = try await ledger.unreported(olderThan: .zero)
      #expect(left.isEmpty)
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
