import Contracts
import Foundation
import Postgres
import Testing
import TestSupport

@testable import DeadLetter

@Suite("The life of a letter")
struct LetterLifeTests {
  /// One thing that the scheduler tells.
  private enum Fact: Sendable {
    case dead(UnitsDead.Entry)
    case closed(Int, LetterState.CloseReason, UnitState)
    case finished(Int, UnitState, takenBack: Bool = false)
  }

  /// What must be the same in the end.
  private struct End: Equatable {
    var state: String
    var unitState: String
    var dispatch: Int
    var reason: String?
    var replays: Int
    var attempts: [Int]
    var closedAt: Timestamp?
    var early: Int
  }

  private let unit = UnitID(messageID: .timeOrdered(), index: 3)

  private func died(_ dispatch: Int, _ state: UnitState = .dead) -> Fact {
    var entry = Samples.dead(unit.messageID, index: unit.index, dispatch: dispatch, state: state)
    entry.attempts = (0...dispatch).map {
      UnitsDead.Attempt(
        dispatch: $0, provider: "hkt", outcome: .retryable, reply: nil, errorCode: nil, startedAt: nil,
        finishedAt: Samples.time)
    }
    return .dead(entry)
  }

  private func tell(_ facts: [Fact]) async throws -> End {
    try await withDatabase { pool in
      try await tell(facts, LetterStore(pool: pool))
      return try await end(pool)
    }
  }

  private func tell(_ facts: [Fact], _ store: LetterStore) async throws {
    for fact in facts {
      switch fact {
      case .dead(let entry): _ = try await store.open([NewLetter(entry)])
      case .closed(let dispatch, let reason, let state):
        let entry = LettersClosed.Entry(unit: unit, dispatch: dispatch, state: state, reason: reason.rawValue)
        let closing = Incoming.Closing(entry: entry, state: LetterState(closedFor: reason))
        _ = try await store.close([closing], at: Samples.time)
      case .finished(let dispatch, let state, let takenBack):
        let entry = LettersFinished.Entry(
          unit: unit, dispatch: dispatch, state: state, takenBack: takenBack ? true : nil)
        _ = try await store.finish([entry], at: Samples.time)
      }
    }
  }

  private func end(_ pool: PostgresPool) async throws -> End {
    let letters = try await LetterArchive(pool: pool).letters(.init())
    #expect(letters.count == 1)
    let letter = try #require(letters.first)
    let row = try #require(try await pool.query("SELECT count(*) AS early FROM dead_letter.early_closings").first)
    return End(
      state: letter.state, unitState: letter.unitState, dispatch: letter.dispatch, reason: letter.closeReason,
      replays: letter.replayCount, attempts: letter.attempts.map(\.dispatch), closedAt: letter.closedAt,
      early: try row.decode("early"))
  }

  @Test("ends the same in whatever order it is told, and however often", arguments: [false, true])
  func anyOrder(takenBack: Bool) async throws {
    let life: [Fact] = [
      died(2), .closed(2, .replayed, .pending), .finished(2, .dead, takenBack: takenBack), died(5, .unconfirmed),
      .closed(5, .replayed, .pending), .finished(5, .sent),
    ]
    let told = End(
      state: "retried", unitState: "sent", dispatch: 5, reason: "replayed", replays: takenBack ? 0 : 1,
      attempts: Array(0...5), closedAt: Samples.time, early: 0)
    try await withDatabase { pool in
      let store = LetterStore(pool: pool)
      for seed in 0..<60 as Range<UInt64> {
        var generator = SeededGenerator(seed: seed)
        // The first is in order; repeats come from the third on.
        var order = seed == 0 ? life : life.shuffled(using: &generator)
        if seed > 1 { order = (order + (0..<6).compactMap { _ in life.randomElement(using: &generator) }) }
        if seed > 30 { order.shuffle(using: &generator) }
        try await tell(order, store)
        let end = try await end(pool)
        #expect(end == told, "seed \(seed): \(order)")
        try await pool.query("TRUNCATE dead_letter.letters, dead_letter.early_closings")
      }
    }
  }

  @Test("goes on from death to death in one letter that is as old as the first")
  func goesOn() async throws {
    try await withDatabase { pool in
      let store = LetterStore(pool: pool)
      try await tell([died(1)], store)
      let first = try #require(try await LetterArchive(pool: pool).letters(.init()).first)
      try await tell([.closed(1, .replayed, .pending)], store)
      #expect(try await end(pool).state == "replaying")
      try await tell([died(4)], store)
      let second = try #require(try await LetterArchive(pool: pool).letters(.init()).first)
      #expect(second.id == first.id && second.createdAt == first.createdAt)
      #expect(second.state == "pending" && second.dispatch == 4 && second.replayCount == 1)
    }
  }

  @Test(
    "ends as its replayed SMS does",
    arguments: [
      (UnitState.sent, "retried", "replayed"), (.failed, "settled", "rejected"), (.expired, "abandoned", "expired"),
      (.cancelled, "abandoned", "cancelled"), (.dead, "pending", nil), (.unconfirmed, "pending", nil),
    ] as [(UnitState, String, String?)])
  func ends(state: UnitState, letter: String, reason: String?) async throws {
    let facts: [Fact] = [died(1), .closed(1, .replayed, .pending), .finished(1, state)]
    for facts in [facts, [facts[2], facts[1], facts[0]], [facts[1], facts[2], facts[0]]] {
      let end = try await tell(facts)
      #expect(end.state == letter && end.unitState == state.rawValue && end.reason == reason)
      #expect(end.replays == (reason == nil ? 1 : 0) && end.early == 0)
    }
  }

  @Test("is over when somebody else was first; a later death of the same SMS is a letter of its own")
  func anotherLetter() async throws {
    try await withDatabase { pool in
      let store = LetterStore(pool: pool)
      try await tell([died(1), .closed(1, .retryFailed, .pending), died(3), died(1)], store)
      let letters = try await LetterArchive(pool: pool).letters(.init())
      #expect(Set(letters.map(\.state)) == ["retried", "pending"] && Set(letters.map(\.dispatch)) == [1, 3])
      #expect(letters.allSatisfy { $0.replayCount == 0 })
    }
  }

  @Test("does not count a replay that was taken back before it went, whatever is told first")
  func takenBack() async throws {
    let facts: [Fact] = [died(1), .closed(1, .replayed, .pending), died(2), .finished(1, .dead, takenBack: true)]
    for order in [[0, 1, 2, 3], [0, 1, 3, 2], [3, 0, 2, 1], [2, 3, 1, 0], [1, 3, 2, 0]] {
      let end = try await tell(order.map { facts[$0] })
      #expect(end.state == "pending" && end.replays == 0 && end.dispatch == 2 && end.early == 0, "\(order)")
    }
  }

  @Test("is not touched by news about an earlier death")
  func stale() async throws {
    let end = try await tell([died(1), died(3), .closed(1, .lateAnswer, .sent), .closed(1, .replayed, .pending)])
    #expect(end.state == "pending" && end.dispatch == 3 && end.replays == 0 && end.early == 0)
  }

  @Test("is one when replicas are told of the same deaths at the same time")
  func sideBySide() async throws {
    try await withDatabase { pool in
      let store = LetterStore(pool: pool)
      let deaths = (0..<20).map { Samples.dead(index: $0) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask { for death in deaths { _ = try await store.open([NewLetter(death)]) } }
          group.addTask {
            for death in deaths {
              _ = try await store.close([Samples.closing(death, .abandoned, .failed)], at: Samples.time)
            }
          }
        }
        try await group.waitForAll()
      }
      let letters = try await LetterArchive(pool: pool).letters(.init())
      #expect(letters.count == 20 && letters.allSatisfy { $0.state == "abandoned" })
      let left = try await pool.query("SELECT FROM dead_letter.early_closings").count
      #expect(left == 0)
    }
  }
}
