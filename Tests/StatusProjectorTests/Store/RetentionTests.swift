import Contracts
import Foundation
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import StatusProjector

extension ServerSuites {
  @Suite struct RetentionTests {
    /// The log of messages that were accepted so many days ago.
    private func log(_ messages: Int, daysAgo: Int, seed: UInt64) throws -> RecordedLog {
      try RecordedLog(messages: messages, seed: seed, start: .now() + .seconds(-86_400 * daysAgo))
    }

    private func all(_ step: () async throws -> Int) async throws -> Int {
      var total = 0
      while true {
        let count = try await step()
        if count == 0 { return total }
        total += count
      }
    }

    @Test("Every step is served by an index, however many messages there are")
    func plans() async throws {
      let cluster = try await PostgresCluster.shared()
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      try await store.write(try log(20, daysAgo: 500, seed: 3).lines.map { try $0.logged }[...])
      let plans = try await PlanLog(cluster: cluster, url: database.url)
      let found = try await plans.unserved { pool in
        let store = ProjectionStore(pool: pool, epoch: store.epoch)
        #expect(try await store.redact(afterDays: 90) > 0)
        #expect(try await store.drop(afterDays: 400) > 0)
        try await store.dropThroughput(afterDays: 400)
      }
      // One row each.
      let known = ["projection.leadership", "projection.progress"]
      #expect(found.filter { scan in !known.contains { scan.contains("on \($0)") } } == [])
    }

    @Test(
      "Old final messages are redacted and stay listed, unfinished and young ones stay as they are, and nothing brings text back"
    )
    func redacted() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let (old, young) = (try log(40, daysAgo: 100, seed: 1), try log(10, daysAgo: 50, seed: 2))
      let facts = try (old.lines + young.lines).map { try $0.logged }
      try await store.write(facts[...])
      let id = MessageID.timeOrdered()
      try await store.write([
        LoggedFact(
          at: .now(),
          fact: .accepted(
            MessageAccepted(
              messageID: id, userID: .first, messageClass: .bulk, content: "Waits", recipients: ["+85291234567"],
              segments: 1, encoding: "gsm7", acceptedAt: .now() + .seconds(-86_400 * 200))))
      ])
      let counts = try await database.counts().mapValues(\.counts)
      let count = try await all { try await store.redact(afterDays: 90) }
      let final = old.finalMessages
      #expect(count == final && final > 10)
      #expect(try await database.counts().mapValues(\.counts) == counts)

      func texts() async throws -> [Int] {
        let row = try #require(
          try await database.pool.query(
            """
            SELECT (SELECT count(*) FROM projection.messages_read WHERE content <> '') AS contents,
              (SELECT count(*) FROM projection.messages_read WHERE redacted_at IS NOT NULL
                AND (content <> '' OR first_phone <> '' OR last_reply_body IS NOT NULL)) AS left_over,
              (SELECT count(*) FROM projection.requests_read WHERE redacted_at IS NOT NULL AND phone <> '') AS phones,
              (SELECT count(*) FROM projection.attempts a JOIN projection.messages m USING (message_id)
                WHERE m.redacted_at IS NOT NULL AND a.reply_body IS NOT NULL) AS replies,
              (SELECT count(*) FROM projection.recipients a JOIN projection.messages m USING (message_id)
                WHERE m.redacted_at IS NOT NULL AND a.error_message IS NOT NULL) AS errors
            """
          ).first)
        return try ["contents", "left_over", "phones", "replies", "errors"].map { try row.decode($0) }
      }
      #expect(try await texts() == [51 - final, 0, 0, 0, 0])
      #expect(try await database.pool.query("SELECT FROM projection.requests_read").count > 100)
      // The whole log again, and a late answer.
      try await store.write(facts[...])
      let redacted: UUID? = try await database.pool.query(
        "SELECT message_id FROM projection.messages WHERE redacted_at IS NOT NULL"
      ).first?.decode("message_id")
      let unit = UnitID(messageID: MessageID(try #require(redacted)), index: 0)
      try await store.write([
        LoggedFact(
          at: .now(),
          fact: .changed(
            UnitsChanged(units: [
              UnitChange(
                attempt: AttemptID(unit: unit, dispatch: 90), state: .failed, dispatch: 90, attemptsUsed: 1,
                provider: "hkt", outcome: .rejected, reply: ProviderReply(status: 400, body: "no +85291234567"),
                errorMessage: "said no +85291234567", finishedAt: .now())
            ])))
      ])
      #expect(try await texts() == [51 - final, 0, 0, 0, 0])
      #expect(try await all { try await store.redact(afterDays: 90) } == 0)
    }

    @Test("Older ones are dropped with all that belongs to them, and the totals follow")
    func dropped() async throws {
      let database = try await ProjectionDatabase.migrated()
      let store = try await database.store()
      let (old, young) = (try log(30, daysAgo: 500, seed: 3), try log(10, daysAgo: 100, seed: 4))
      try await store.write(try (old.lines + young.lines).map { try $0.logged }[...])
      let final = old.finalMessages
      #expect(try await all { try await store.drop(afterDays: 400) } == final)
      try await store.dropThroughput(afterDays: 400)
      let row = try #require(
        try await database.pool.query(
          """
          SELECT (SELECT messages FROM projection.totals_read WHERE user_id IS NULL) AS messages,
            (SELECT count(*) FROM projection.recipients r LEFT JOIN projection.messages m USING (message_id)
              WHERE m.message_id IS NULL) AS recipients,
            (SELECT count(*) FROM projection.attempts r LEFT JOIN projection.messages m USING (message_id)
              WHERE m.message_id IS NULL) AS attempts,
            (SELECT count(*) FROM projection.throughput WHERE minute < now() - interval '400 days') AS minutes
          """
        ).first)
      #expect(try row.decode("messages", as: Int.self) == 40 - final)
      for name in ["recipients", "attempts", "minutes"] { #expect(try row.decode(name, as: Int.self) == 0) }
      // Facts about what is gone make no message, and go in their turn.
      try await store.write(try old.lines.filter { $0.type == .unitChanged }.map { try $0.logged }[...])
      #expect(try await database.counts().count == 40 - final)
      #expect(try await all { try await store.drop(afterDays: 400) } > 0)
      #expect(try await database.pool.query("SELECT FROM projection.messages").count == 40 - final)
    }

    @Test("A large message is redacted in a step of its own, and a deposed projector takes out nothing")
    func steps() async throws {
      let database = try await ProjectionDatabase.migrated()
      let deposed = try await database.store()
      let store = try await database.store()
      var facts: [LoggedFact] = []
      for number in 0..<3 {
        let id = MessageID.timeOrdered()
        let at = Timestamp.now() + .seconds(number - 86_400 * 100)
        facts.append(
          LoggedFact(
            at: at,
            fact: .accepted(
              MessageAccepted(
                messageID: id, userID: .first, messageClass: .bulk, content: "Text",
                recipients: (0..<4000).map { "+8529\(1_000_000 + $0)" }, segments: 1, encoding: "gsm7", acceptedAt: at))
          ))
        facts.append(
          LoggedFact(
            at: at,
            fact: .cancelled(
              MessagesCancelled(messages: [CutMessage(messageID: id, fromIndex: 0, total: 4000, at: at)]))))
      }
      try await store.write(facts[...])
      await #expect(throws: ProjectionStore.Deposed.self) { try await deposed.redact(afterDays: 90) }
      #expect(try await store.redact(afterDays: 90) == 2)
      #expect(try await store.redact(afterDays: 90) == 1)
      #expect(try await store.redact(afterDays: 90) == 0)
    }
  }
}

@Suite struct RetentionSettingsTests {
  private func load(_ environment: [String: String]) throws -> RetentionSettings {
    try RetentionSettings.load(Settings(environment: environment, secretsDirectory: "/nonexistent"))
  }

  @Test("Days are read, and what cannot be is refused by its key")
  func reading() throws {
    #expect(try load([:]) == RetentionSettings(redactAfter: 90, dropAfter: 400))
    #expect(try load(["SLUICE_REDACT_AFTER_DAYS": "500"]) == RetentionSettings(redactAfter: 500, dropAfter: 500))
    for (environment, key) in [
      (["SLUICE_REDACT_AFTER_DAYS": "0"], "SLUICE_REDACT_AFTER_DAYS"),
      (["SLUICE_DROP_AFTER_DAYS": "7"], "SLUICE_DROP_AFTER_DAYS"),
      (["SLUICE_DROP_AFTER_DAYS": "soon"], "SLUICE_DROP_AFTER_DAYS"),
      (["SLUICE_REDACT_AFTER_DAYS": "50", "SLUICE_DROP_AFTER_DAYS": "40"], "SLUICE_DROP_AFTER_DAYS"),
    ] {
      let error = #expect(throws: ConfigurationError.self) { try load(environment) }
      #expect(error?.problems.map(\.key) == [key])
    }
  }
}
