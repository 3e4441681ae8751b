import Contracts
import Foundation
@testable import Metering
import Postgres
import TestSupport
import Testing

@testable import StatusProjector

extension ServerSuites {
  /// Position and time in SQL.
  @Suite struct QueueFunctionTests {
    private static let providers = [
      ProviderPace(provider: "a", effectiveRate: 2, nominalRate: 2, state: "healthy", inFlight: 3),
      ProviderPace(
        provider: "b", effectiveRate: 20, nominalRate: 50, state: "healthy", inFlight: 0,
        gateOpensAt: time + .seconds(30), fullRate: 45),
      ProviderPace(provider: "c", effectiveRate: 0, nominalRate: 50, state: "paused", inFlight: 0),
    ]
    private static let time = Timestamp(microseconds: 1_800_000_000_000_000)

    /// A queue in the middle of its life, with holes and SMS that came back.
    private func heads(_ random: inout SeededGenerator) -> QueueChanged {
      var queue = FairQueue(providers: ["a", "b", "c"])
      for number in 0..<Int.random(in: 1...12, using: &random) {
        let key = FlowKey(
          messageClass: MessageClass.allCases[Int.random(in: 0..<3, using: &random)], userID: .timeOrdered(),
          providers: [nil, ["a"], ["b"], ["c"], ["a", "b"], ["b", "c"]][Int.random(in: 0..<6, using: &random)])
        queue.register(key, id: Int64(number), weight: [1, 2, 3, 4.7][Int.random(in: 0..<4, using: &random)])
        queue.add(Int.random(in: 0...3000, using: &random), to: key)
      }
      for _ in 0..<Int.random(in: 0...500, using: &random) {
        let provider = ["a", "b", "c"][Int.random(in: 0..<3, using: &random)]
        if let key = queue.next(at: provider) { queue.serve(key, at: provider) }
      }
      let flows = queue.heads().map { head in
        var head = head
        head.headNumber = Int64.random(in: 0...3000, using: &random)
        head.returned = Bool.random(using: &random) ? Int.random(in: 0...min(5, head.backlog), using: &random) : nil
        var holes = HoleMap()
        for _ in 0..<Int.random(in: 0...4, using: &random) {
          let lower = head.headNumber + Int64.random(in: 0...2000, using: &random)
          holes.add(lower..<lower + Int64.random(in: 1...1200, using: &random))
        }
        head.holes = holes.isEmpty ? nil : holes.counts
        return head
      }
      return QueueChanged(
        asOf: Self.time, isComplete: true, epoch: 1, virtualTime: queue.virtualTime, classes: queue.classHeads(),
        flows: flows, providers: Self.providers, globalRate: Bool.random(using: &random) ? 30 : nil, isSending: true)
    }

    @Test("The functions answer as the gateway does, whatever the queue")
    func equal() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      var random = SeededGenerator(seed: 4)
      for offset in 0..<40 {
        let change = heads(&random)
        var snapshot = QueueSnapshot()
        snapshot.apply(change)
        var batch = FoldedBatch(queueEpoch: 1)
        batch.apply(LoggedFact(at: Self.time, fact: .queue(change)))
        try await store.write(batch, upTo: UInt64(offset))
        for head in change.flows where head.backlog > 0 {
          let key = FlowKey(head)
          let numbers = (0..<8).map { _ in head.headNumber + Int64.random(in: -5...4000, using: &random) }
          let rows = try await database.pool.query(
            """
            SELECT a.ahead, projection.queue_position(\(head.flowID), a.ahead) AS position,
              projection.queue_wait(\(key.providers)::text[], projection.queue_position(\(head.flowID), a.ahead)) AS wait
            FROM unnest(\(numbers)) WITH ORDINALITY AS n (number, place),
              LATERAL (SELECT projection.queue_ahead(\(head.flowID), n.number) AS ahead) a
            ORDER BY n.place
            """)
          for (row, number) in zip(rows, numbers) {
            let ahead = try #require(snapshot.ahead(of: number, in: key))
            // Where the queue is run forward the gateway is nearer.
            let position = snapshot.closedPosition(in: key, ahead: ahead)
            #expect(try row.decode("ahead", as: Int.self) == ahead)
            #expect(try row.decode("position", as: Int.self) == position)
            let wait = snapshot.wait(position: position, providers: key.providers)?.middle
            let told: Double? = try row.decode("wait")
            #expect((wait == nil) == (told == nil))
            if let wait, let told { #expect(abs(wait / .seconds(1) - told) < 0.01) }
          }
        }
      }
    }

    /// What the function says of a message.
    private struct Told: Equatable {
      var position: Int?
      var start: Date?
      var complete: Date?
      var waitingFor: String?
    }

    private func told(_ id: MessageID, _ database: ProjectionDatabase) async throws -> Told? {
      try await database.pool.query("SELECT * FROM projection.message_estimate(\(id.uuid))").first.map { row in
        Told(
          position: try row.decode("queue_position"), start: try row.decode("estimated_start_at"),
          complete: try row.decode("estimated_complete_at"), waitingFor: try row.decode("waiting_for"))
      }
    }

    @Test("A message is told its place, its time and what it waits for")
    func message() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let id = MessageID.timeOrdered()
      let now = Timestamp.now()
      var heads = QueueChanged.heads([1: 20, 2: 10], epoch: 1, complete: true)
      heads.asOf = now
      heads.flows[1].userID = .timeOrdered()
      for place in heads.flows.indices { heads.flows[place].step = 1 << 24 }
      func write(_ facts: Fact...) async throws {
        var batch = FoldedBatch(queueEpoch: 1)
        for fact in facts { batch.apply(LoggedFact(at: now, fact: fact)) }
        try await store.write(batch, upTo: (try await store.position().offset ?? 0) + 1)
      }
      try await write(
        .accepted(
          MessageAccepted(
            messageID: id, userID: .first, messageClass: .normal, content: "Text",
            recipients: ["+85291234567", "+85291234568", "+85291234569"], segments: 1, encoding: "gsm7",
            acceptedAt: now)),
        .queued(
          MessagesQueued(
            messages: [MessagesQueued.Entry(messageID: id, flowID: 1, firstNumber: 5, total: 3)], queuedAt: now)),
        .queue(heads))
      var answer = try #require(try await told(id, database))
      // The other user goes in turn: five and five before the first, seven and seven before the last.
      #expect(answer.position == 10)
      #expect(answer.waitingFor == "fair_share")
      let start = try #require(answer.start).timeIntervalSince(now.date)
      let complete = try #require(answer.complete).timeIntervalSince(now.date)
      #expect(abs(start - 5) < 0.01 && abs(complete - 7) < 0.01)

      heads.providers[0].state = "paused"
      heads.providers[0].effectiveRate = 0
      try await write(.queue(heads))
      answer = try #require(try await told(id, database))
      #expect(answer.start == nil && answer.waitingFor == "provider_paused")

      try await write(.paused(MessagesPaused(targets: [.message(id)], changedAt: now)))
      answer = try #require(try await told(id, database))
      #expect(answer.position == nil && answer.waitingFor == "message_paused")
      heads.providers[0].provider = "another"
      heads.isSending = false
      try await write(.resumed(MessagesResumed(targets: [.message(id)], changedAt: now + .seconds(1))), .queue(heads))
      #expect(try await told(id, database)?.waitingFor == "sending_stopped")
      try await write(.paused(MessagesPaused(targets: [.user(.first)], changedAt: now)))
      #expect(try await told(id, database)?.waitingFor == "user_paused")
      let other = try await told(.timeOrdered(), database)
      #expect(other == nil)
    }
  }
}
