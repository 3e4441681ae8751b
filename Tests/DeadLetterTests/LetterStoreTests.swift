import Contracts
import Foundation
import Postgres
import Testing
import TestSupport

@testable import DeadLetter

@Suite("The letters in PostgreSQL")
struct LetterStoreTests {
  private func only(_ pool: PostgresPool) async throws -> Letter {
    let letters = try await LetterArchive(pool: pool).letters(LetterArchive.Filter())
    #expect(letters.count == 1)
    return try #require(letters.first)
  }

  @Test("are stored once however often the same death is told, also in one message")
  func storedOnce() async throws {
    try await withDatabase { pool in
      let store = LetterStore(pool: pool)
      let message = MessageID.timeOrdered()
      let first = try Samples.letter(Samples.dead(message, index: 7))
      let told = try await store.open([first, first])
      #expect(told.map(\.letterID) == [first.id, first.id])
      let again = try await store.open([first])
      #expect(again.map(\.letterID) == [first.id] && !again[0].isNews)
      let later = try Samples.letter(Samples.dead(message, index: 7, dispatch: 9))
      let both = try await store.open([later, first])
      // The letter goes on: it has the id that its first death gave it.
      #expect(both.map(\.letterID) == [first.id, first.id] && both.map(\.isNews) == [true, false])
      #expect(try await LetterArchive(pool: pool).letters(LetterArchive.Filter()).count == 1)
    }
  }

  @Test("keep all that is known, with the attempts in order and without what PostgreSQL cannot hold")
  func content() async throws {
    try await withDatabase { pool in
      var entry = Samples.dead(content: "50% \"quoted\" \\ {a,b} 香港\0", reply: "no\0\\u0000")
      entry.providers = ["a", "hkt"]
      _ = try await LetterStore(pool: pool).open([Samples.letter(entry)])
      let letter = try await only(pool)
      #expect(letter.content == "50% \"quoted\" \\ {a,b} 香港\u{FFFD}")
      #expect(letter.state == "pending")
      #expect(letter.unitState == "dead")
      #expect(letter.provider == "hkt")
      #expect(letter.phone == "+85291234567")
      #expect(letter.retryCount == 2)
      #expect(letter.attempts.map(\.dispatch) == [1, 4])
      #expect(letter.attempts.last?.reply == ProviderReply(status: 500, body: "no\u{FFFD}\\u0000"))
      #expect(letter.lastAttemptAt == Samples.time + .seconds(1))
      #expect(letter.closedAt == nil)
      #expect(letter.providers == ["a", "hkt"])
    }
  }

  @Test("close once and never open again")
  func closesOnce() async throws {
    try await withDatabase { pool in
      let store = LetterStore(pool: pool)
      let entry = Samples.dead()
      _ = try await store.open([Samples.letter(entry)])
      let closing = Samples.closing(entry, .lateAnswer, .sent)
      #expect(try await store.close([closing], at: Samples.time) == [.settled])
      #expect(try await store.close([Samples.closing(entry, .abandoned, .failed)], at: .now()).isEmpty)
      #expect(try await store.open([Samples.letter(entry)]).map(\.isNews) == [false])
      let letter = try await only(pool)
      #expect(letter.state == "settled")
      #expect(letter.unitState == "sent")
      #expect(letter.closeReason == "late_answer")
      #expect(letter.closedAt == Samples.time)
    }
  }

  @Test("are closed at once when their closing came first")
  func earlyClosing() async throws {
    try await withDatabase { pool in
      let store = LetterStore(pool: pool)
      let entry = Samples.dead()
      #expect(try await store.close([Samples.closing(entry, .retryFailed, .pending)], at: Samples.time).isEmpty)
      #expect(try await store.close([Samples.closing(entry, .retryFailed, .pending)], at: Samples.time).isEmpty)
      _ = try await store.open([Samples.letter(entry)])
      #expect(try await only(pool).state == "retried")
      let left = try await pool.query("SELECT count(*) AS n FROM dead_letter.early_closings").first
      #expect(try left?.decode("n", as: Int.self) == 0)
    }
  }

  @Test("are found by state, error, provider, user and time")
  func filters() async throws {
    try await withDatabase { pool in
      let store = LetterStore(pool: pool)
      let hkt = Samples.dead(errorType: "timeout", provider: "hkt")
      let other = Samples.dead(errorType: "throttled", provider: "other")
      _ = try await store.open([Samples.letter(hkt), Samples.letter(other)])
      _ = try await store.close([Samples.closing(other, .abandoned, .failed)], at: .now())
      let archive = LetterArchive(pool: pool)
      func count(_ filter: LetterArchive.Filter) async throws -> Int { try await archive.letters(filter).count }
      #expect(try await count(.init()) == 2)
      #expect(try await count(.init(limit: 1)) == 1)
      #expect(try await count(.init(state: .pending)) == 1)
      #expect(try await count(.init(errorType: "throttled")) == 1)
      #expect(try await count(.init(provider: "other")) == 1)
      #expect(try await count(.init(userID: Samples.user)) == 2)
      #expect(try await count(.init(userID: .timeOrdered())) == 0)
      #expect(try await count(.init(from: .now() + .seconds(60))) == 0)
      #expect(try await count(.init(to: .now() + .seconds(60))) == 2)
      let id = try Samples.letter(hkt).id
      #expect(try await archive.letter(id)?.errorType == "timeout")
    }
  }

  @Test("may be read by the gateway's role through the view alone")
  func grants() async throws {
    let url = try await PostgresCluster.shared().makeDatabase()
    let logger = noLogger
    let pool = PostgresPool(configuration: try PostgresConfiguration(url: url), logger: logger)
    do {
      try await pool.withConnection {
        try await $0.execute(
          script: """
            DO $$ BEGIN CREATE ROLE sluice_accounts; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
            CREATE SCHEMA dead_letter; GRANT USAGE ON SCHEMA dead_letter TO sluice_accounts
            """)
      }
      for _ in 0..<2 {
        try await Migrator.migrate(
          schema: DeadLetterSchema.name, migrations: DeadLetterSchema.migrations, pool: pool, logger: logger)
      }
      let row = try await pool.query(
        """
        SELECT has_table_privilege('sluice_accounts', 'dead_letter.letters_read', 'SELECT') AS view,
               has_table_privilege('sluice_accounts', 'dead_letter.letters', 'SELECT') AS table
        """
      ).first
      #expect(try row?.decode("view", as: Bool.self) == true)
      #expect(try row?.decode("table", as: Bool.self) == false)
      try await pool.query("SELECT id, status, attempts FROM dead_letter.letters_read")
    } catch {
      await pool.close()
      throw error
    }
    await pool.close()
  }
}
