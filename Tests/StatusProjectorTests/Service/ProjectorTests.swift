import AMQP
import Contracts
import Foundation
import Postgres
import TestSupport
import Testing

@testable import StatusProjector

extension ServerSuites {
  @Suite struct ProjectorTests {
    private let small = BatchLimits(count: 20, linger: .milliseconds(5))

    /// What the tables hold when the log was told once and in order.
    private func straight(_ log: RecordedLog) async throws -> [String] {
      let database = try await ProjectionDatabase.migrated()
      var batch = FoldedBatch(queueEpoch: -1)
      for line in log.lines { batch.apply(try line.logged) }
      try await database.store().write(batch, upTo: 0)
      return try await database.contents()
    }

    private func reaches(_ offset: Int, _ database: ProjectionDatabase) async throws {
      try await eventually(within: .seconds(30), "the log is folded up to \(offset)") {
        // The schema may not be there yet.
        let row = try? await database.pool.query("SELECT log_offset FROM projection.progress_read").first
        return try row?.decode("log_offset", as: Int?.self) == offset
      }
    }

    @Test("A log in another order and with repeats, read in two lives of the projector, gives the same tables")
    func restart() async throws {
      let log = try RecordedLog(messages: 40, seed: 21)
      var generator = SeededGenerator(seed: 22)
      let lines = log.lines.disturbed(using: &generator)
      let (broker, database) = (try await ProjectorBroker(), try await ProjectionDatabase())
      let first = try RunningProjector(broker: broker, databaseURL: database.url, limits: small)
      try await broker.publish(Array(lines.prefix(lines.count / 2)))
      try await reaches(lines.count / 2 - 1, database)
      try await first.stop()
      try await broker.publish(Array(lines.dropFirst(lines.count / 2)))
      let second = try RunningProjector(broker: broker, databaseURL: database.url, limits: small)
      try await reaches(lines.count - 1, database)
      #expect(try await database.contents() == straight(log))
      #expect(try await database.counts().mapValues(\.counts) == log.finalCounts)
      try await second.stop()
    }

    @Test("Facts that nobody understands or no table takes are set aside, and the others are folded")
    func poison() async throws {
      let log = try RecordedLog(messages: 5, seed: 31)
      let broken = RecordedLog.Line(type: .unitChanged, id: .timeOrdered(), body: Array("{\"v\":1".utf8))
      let refusedID = EnvelopeID.timeOrdered()
      let refused = RecordedLog.Line(
        type: .messageAccepted, id: refusedID,
        body: try Wire.encode(
          Envelope(
            MessageAccepted(
              messageID: .timeOrdered(), userID: .first, messageClass: .normal, content: "Text", recipients: ["+1"],
              segments: .max, encoding: "gsm7", acceptedAt: .now()), id: refusedID)))
      var lines = log.lines
      lines.insert(refused, at: 7)
      lines.insert(broken, at: 3)
      lines.append(broken)
      let (broker, database) = (try await ProjectorBroker(), try await ProjectionDatabase())
      try await broker.publish(lines)
      let projector = try RunningProjector(broker: broker, databaseURL: database.url)
      try await reaches(lines.count - 1, database)
      #expect(try await database.contents() == straight(log))
      let poison = try await broker.poison(3)
      #expect(Set(poison.compactMap(\.messageID)) == [broken.id.description, refusedID.description])
      for message in poison {
        #expect(message.headers[PoisonHeader.originQueue]?.stringValue == BrokerNames.log)
        #expect(message.headers[PoisonHeader.originExchange]?.stringValue == BrokerNames.events)
        #expect(message.headers[PoisonHeader.error] != nil)
        #expect(message.body == (message.messageID == refusedID.description ? refused.body : broken.body))
      }
      try await projector.stop()
    }

    @Test("The log's beginning is compared with where the tables stand")
    func headroom() async throws {
      let (broker, database) = (try await ProjectorBroker(), try await ProjectionDatabase.migrated())
      let task = HeadroomTask(
        store: try await database.store(), amqp: try AMQPConfiguration(url: broker.url), metrics: HeadroomMetrics(),
        logger: .silent)
      let log = try RecordedLog(messages: 2, seed: 61)
      try await broker.publish(log.lines)
      let headroom = try #require(try await task.measure())
      #expect(headroom.duration == LogHeadroom.retention)
      #expect(headroom.lostFacts == 0)
    }

    @Test("While the database is away the projector waits, and then catches up")
    func databaseAway() async throws {
      let log = try RecordedLog(messages: 10, seed: 41)
      let cluster = try await PostgresCluster.start()
      let (broker, database) = (try await ProjectorBroker(), try await ProjectionDatabase(in: cluster))
      let projector = try RunningProjector(broker: broker, databaseURL: database.url, limits: small)
      let half = log.lines.count / 2
      try await broker.publish(Array(log.lines.prefix(half)))
      try await reaches(half - 1, database)
      try await cluster.stop(.kill)
      try await broker.publish(Array(log.lines.dropFirst(half)))
      try await eventually("not ready") { await projector.isUnready() }
      try await cluster.start()
      try await reaches(log.lines.count - 1, database)
      #expect(try await database.contents() == straight(log))
      #expect(await !projector.isUnready())
      try await projector.stop()
      try await cluster.stop(.fast)
    }

    @Test("Of two projectors one leads; the other takes over when it is killed")
    func takeOver() async throws {
      let log = try RecordedLog(messages: 20, seed: 51)
      let (broker, database) = (try await ProjectorBroker(), try await ProjectionDatabase())
      func leader() async throws -> String {
        let row = try? await database.pool.query("SELECT holder FROM projection.leadership").first
        return try row?.decode("holder") ?? ""
      }
      let first = try ProjectorProcess(instance: "first", broker: broker, databaseURL: database.url)
      try await eventually(within: .seconds(20), "the first leads") { try await leader() == "first" }
      let second = try ProjectorProcess(instance: "second", broker: broker, databaseURL: database.url)
      let half = log.lines.count / 2
      try await broker.publish(Array(log.lines.prefix(half)))
      try await reaches(half - 1, database)
      #expect(try await leader() == "first")
      try await first.kill()
      let killedAt = ContinuousClock.now
      try await broker.publish(Array(log.lines.dropFirst(half)))
      try await reaches(log.lines.count - 1, database)
      #expect(killedAt.duration(to: .now) < .seconds(8))
      #expect(try await leader() == "second")
      #expect(try await database.contents() == straight(log))
      #expect(try await second.terminate() == 0)
      // Released: nobody has to wait for a lease to run out.
      let row = try await database.pool.query(
        "SELECT until_at < clock_timestamp() AS free FROM projection.leadership"
      ).first
      #expect(try row?.decode("free", as: Bool.self) == true)
    }
  }
}
