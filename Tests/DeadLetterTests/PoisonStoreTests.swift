import AMQP
import Contracts
import Postgres
import TestSupport
import Testing

@testable import DeadLetter

@Suite("The poison in PostgreSQL")
struct PoisonStoreTests {
  private let message = PoisonMessage(
    Samples.delivery(
      Array("{\"broken".utf8), queue: BrokerNames.poison,
      headers: [PoisonHeader.originQueue: "scheduler.submissions", PoisonHeader.error: "malformed: not JSON"],
      messageID: "m-1"))

  @Test("is kept as it came, once, and counted when it comes again")
  func keeps() async throws {
    try await withDatabase { pool in
      let store = PoisonStore(pool: pool)
      try await store.keep(message, isRedelivery: false)
      try await store.keep(message, isRedelivery: true)
      try await store.keep(message, isRedelivery: false)
      let kept = try await LetterArchive(pool: pool).poison(limit: 10)
      #expect(kept.count == 1)
      #expect(kept.first?.times == 2)
      #expect(kept.first?.body == "{\"broken")
      #expect(kept.first?.queue == "scheduler.submissions")
      #expect(kept.first?.error == "malformed: not JSON")
      #expect(kept.first?.envelopeID == "m-1")
      #expect(try await LetterArchive(pool: pool).poison(message.id)?.times == 2)
    }
  }

  @Test("is pending again when it comes back, once for each time that it was given back")
  func comesBack() async throws {
    try await withDatabase { pool in
      let (store, archive) = (PoisonStore(pool: pool), LetterArchive(pool: pool))
      try await store.keep(message, isRedelivery: false)
      let actor = LetterActor(userID: nil, name: "test")
      let drop = LetterCommand.drop(PoisonDrop(letterID: message.id, actor: actor))
      let giveBack = LetterCommand.return(PoisonReturn(letterID: message.id, actor: actor))
      let requests = LetterRequests(pool: pool)
      _ = try await requests.carryOut(giveBack, EnvelopeHeader(type: giveBack.type))
      var back = message
      back.timesBefore = 1
      // The broker may call the first delivery of it a repeated one: whoever had it first died.
      try await store.keep(back, isRedelivery: true)
      let pending = try #require(try await archive.poison(message.id))
      #expect(pending.state == "pending" && pending.times == 2 && pending.closedAt == nil)
      _ = try await requests.carryOut(drop, EnvelopeHeader(type: drop.type))
      // The relay gave it back twice: the second copy of the same return.
      try await store.keep(back, isRedelivery: false)
      let dropped = try #require(try await archive.poison(message.id))
      #expect(dropped.state == "abandoned" && dropped.times == 2)
    }
  }

  @Test("that comes again before it lies in its queue waits again, and whoever asked for its return is told")
  func cameAgain() async throws {
    try await withDatabase { pool in
      let store = PoisonStore(pool: pool)
      try await store.keep(message, isRedelivery: false)
      let requests = LetterRequests(pool: pool)
      let giveBack = LetterCommand.return(
        PoisonReturn(letterID: message.id, actor: LetterActor(userID: nil, name: "test")))
      let first = try await requests.carryOut(giveBack, EnvelopeHeader(type: giveBack.type))
      try await store.keep(message, isRedelivery: false)
      let told = try await requests.load(first.id)
      #expect(told?.isEnded == true && told?.answer?.reason == "came_again")
      let second = try await requests.carryOut(giveBack, EnvelopeHeader(type: giveBack.type))
      let item = try await pool.withTransaction { try await PendingReturn.next($0)?.markPublished($0) }
      #expect(item?.id == second.id && item?.answer?.letters == .init(applied: 1))
    }
  }

  @Test("is not taken for a letter: whoever replays or abandons it is told what it is")
  func noLetter() async throws {
    try await withDatabase { pool in
      try await PoisonStore(pool: pool).keep(message, isRedelivery: false)
      let (selection, actor) = (LetterSelection(ids: [message.id]), LetterActor(userID: nil, name: "test"))
      let commands: [LetterCommand] = [
        .replay(.init(selection: selection, actor: actor)), .abandon(.init(selection: selection, actor: actor)),
      ]
      for command in commands {
        let told = try await LetterRequests(pool: pool).carryOut(command, EnvelopeHeader(type: command.type))
        #expect(told.answer?.reason == "poison")
      }
    }
  }

  @Test("goes, like closed letters, when it is old, and open letters stay")
  func retention() async throws {
    try await withDatabase { pool in
      try await PoisonStore(pool: pool).keep(message, isRedelivery: false)
      let store = LetterStore(pool: pool)
      let (open, closed, early) = (Samples.dead(), Samples.dead(), Samples.dead())
      _ = try await store.open([Samples.letter(open), Samples.letter(closed)])
      _ = try await store.close([Samples.closing(closed, .abandoned, .failed)], at: .now())
      _ = try await store.close([Samples.closing(early, .abandoned, .failed)], at: .now())
      let retention = Retention(pool: pool, keeps: .seconds(90 * 86_400), metrics: DeadLetterMetrics())
      func left() async throws -> [Int] {
        let row = try #require(
          try await pool.query(
            """
            SELECT (SELECT count(*) FROM dead_letter.letters) AS letters,
                   (SELECT count(*) FROM dead_letter.poison) AS poison,
                   (SELECT count(*) FROM dead_letter.early_closings) AS early
            """
          ).first)
        return try [row.decode("letters"), row.decode("poison"), row.decode("early")]
      }
      try await retention.prune()
      #expect(try await left() == [2, 1, 1])
      try await pool.withConnection {
        try await $0.execute(
          script: """
            CREATE OR REPLACE FUNCTION sluice.clock() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE
              AS 'SELECT pg_catalog.clock_timestamp() + interval ''91 days'''
            """)
      }
      try await retention.prune()
      // Somebody has to decide about what is open, poison or not.
      #expect(try await left() == [1, 1, 0])
      try await pool.query(
        "UPDATE dead_letter.poison SET state = 'retried', closed_at = received_at")
      try await retention.prune()
      #expect(try await left() == [1, 1, 0], "it does not lie in its queue yet")
      try await pool.query("UPDATE dead_letter.poison SET published_at = received_at")
      try await retention.prune()
      #expect(try await left() == [1, 0, 0])
      try await retention.count()
    }
  }

  @Test("may hold deaths: as long as it may, closed letters and closings without one are not forgotten")
  func lateDeaths() async throws {
    try await withDatabase { pool in
      let store = LetterStore(pool: pool)
      let (closed, early) = (Samples.dead(), Samples.dead())
      _ = try await store.open([Samples.letter(closed)])
      for entry in [closed, early] { _ = try await store.close([Samples.closing(entry, .retryFailed)], at: .now()) }
      let retention = Retention(pool: pool, keeps: .seconds(3600), metrics: DeadLetterMetrics())
      let clock = DatabaseClock(pool: pool)
      func open() async throws -> Int {
        try await retention.prune()
        _ = try await store.open([Samples.letter(closed), Samples.letter(early)])
        return try await pool.query("SELECT FROM dead_letter.letters WHERE state = 'pending'").count
      }
      var death = message
      death.queue = BrokerNames.deadLetterUnits
      try await PoisonStore(pool: pool).keep(death, isRedelivery: false)
      for days in [2, 89, 400] {
        try await clock.step(to: .seconds(days * 86_400))
        let pending = try await open()
        #expect(pending == 0, "after \(days) days")
      }
      try await pool.query("UPDATE dead_letter.poison SET state = 'abandoned', closed_at = received_at")
      try await retention.prune()
      try await clock.step(to: .seconds(500 * 86_400))
      try await retention.prune()
      let left = try await pool.query("SELECT FROM dead_letter.early_closings").count
      #expect(left == 0)
    }
  }
}
