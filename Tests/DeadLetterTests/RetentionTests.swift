import Contracts
import Postgres
import TestSupport
import Testing

@testable import DeadLetter

@Suite("What is kept and counted")
struct RetentionTests {
  private func retention(_ pool: PostgresPool) -> Retention {
    Retention(
      pool: pool, keeps: .seconds(90 * 86_400), redactsAfter: .seconds(30 * 86_400), metrics: DeadLetterMetrics())
  }

  private func left(_ pool: PostgresPool) async throws -> [Int] {
    let row = try #require(
      try await pool.query(
        """
        SELECT (SELECT count(*) FROM dead_letter.requests) AS requests,
               (SELECT count(*) FROM dead_letter.request_letters) AS letters,
               (SELECT count(*) FROM dead_letter.orders) AS orders
        """
      ).first)
    return try [row.decode("requests"), row.decode("letters"), row.decode("orders")]
  }

  @Test("orders go a week after they were answered, requests with their letters 90 days after they were made")
  func requests() async throws {
    try await withDesk { desk in
      let letters = try await desk.bury(1)
      let ended = try await desk.ask(.replay(.init(selection: .init(), actor: Desk.actor)))
      let order = try #require(try await desk.orders(UnitReplay.self).first)
      _ = try await desk.requests.take(
        CommandAnswered(commandID: order.header.id, command: .unitReplay, result: .done))
      try await desk.finish(letters[0], .sent)
      try await desk.bury(1)
      _ = try await desk.ask(.replay(.init(selection: .init(), actor: Desk.actor)))
      let clock = DatabaseClock(pool: desk.pool)
      try await clock.step(to: .seconds(6 * 86_400))
      try await retention(desk.pool).prune()
      #expect(try await left(desk.pool) == [2, 2, 2])
      try await clock.step(to: .seconds(8 * 86_400))
      try await retention(desk.pool).prune()
      #expect(try await left(desk.pool) == [2, 2, 1])
      try await clock.step(to: .seconds(91 * 86_400))
      try await retention(desk.pool).prune()
      // What has not ended stays.
      #expect(try await left(desk.pool) == [1, 1, 1])
      let gone = try await desk.requests.load(ended.id)
      #expect(gone?.id == nil)
    }
  }

  @Test("requests stay while a letter of theirs is open, a replay with the request that cancelled it")
  func openLetters() async throws {
    try await withDesk { desk in
      let letters = try await desk.bury(2)
      let replay = try await desk.ask(.replay(.init(selection: .init(), actor: Desk.actor)))
      _ = try await desk.orders(UnitReplay.self)
      let cancel = try await desk.ask(.cancel(.init(replayID: ReplayID(replay.id.uuid), actor: Desk.actor)))
      let order = try #require(try await desk.orders(ReplayCancel.self).first)
      var counts = UnitCounts()
      counts.dead = 1
      _ = try await desk.requests.take(
        CommandAnswered(commandID: order.header.id, command: .replayCancel, result: .done, counts: counts))
      for (letter, state) in zip(letters, [UnitState.sent, .dead]) { try await desk.finish(letter, state) }
      for id in [replay.id, cancel.id] { #expect(try await desk.load(id).isEnded) }
      try await DatabaseClock(pool: desk.pool).step(to: .seconds(200 * 86_400))
      try await retention(desk.pool).prune()
      #expect(try await left(desk.pool) == [2, 2, 0])
      _ = try await desk.pool.query(
        "UPDATE dead_letter.letters SET state = 'abandoned', closed_at = sluice.clock() WHERE state = 'pending'")
      for _ in 0..<2 { try await retention(desk.pool).prune() }
      #expect(try await left(desk.pool) == [0, 0, 0])
    }
  }

  @Test("a closed letter loses number, text and answers with its message; an open one keeps them, to go again")
  func redaction() async throws {
    try await withDesk { desk in
      var entries = [Samples.dead(), Samples.dead()]
      for index in entries.indices { entries[index].acceptedAt = .now() }
      let letters = LetterStore(pool: desk.pool)
      _ = try await letters.open(try entries.map(NewLetter.init))
      _ = try await letters.close([Samples.closing(entries[0], .lateAnswer)], at: .now())
      let poison = PoisonMessage(Samples.delivery(Array("+85291234567".utf8), queue: BrokerNames.poison))
      try await PoisonStore(pool: desk.pool).keep(poison, isRedelivery: false)
      let archive = LetterArchive(pool: desk.pool)
      for (days, isRedacted) in [(29, false), (31, true)] {
        try await DatabaseClock(pool: desk.pool).step(to: .seconds(days * 86_400))
        try await retention(desk.pool).redact()
        let (closed, open) = (
          try #require(try await archive.letters(.init(state: .settled)).first),
          try #require(try await archive.letters(.init(state: .pending)).first)
        )
        #expect(closed.phone.isEmpty == isRedacted && closed.content.isEmpty == isRedacted)
        #expect((closed.errorMessage == nil) == isRedacted)
        #expect(closed.attempts.map { $0.reply?.body } == [nil, isRedacted ? "" : "no"])
        #expect(closed.attempts.map { $0.reply?.status } == [nil, 500] && closed.errorType == "timeout")
        #expect(open.phone == "+85291234567" && open.content == "Hello" && open.attempts[1].reply?.body == "no")
        #expect(try await archive.poison(poison.id)?.body == "+85291234567")
      }
      _ = try await desk.ask(.drop(.init(letterID: poison.id, actor: Desk.actor)))
      try await retention(desk.pool).redact()
      #expect(try await archive.poison(poison.id)?.body == "")
    }
  }

  @Test("counts open letters by error type, replays and orders that are under way, and says how old the oldest are")
  func stock() async throws {
    try await withDesk { desk in
      let empty = try await retention(desk.pool).stock()
      #expect(empty.open.isEmpty && empty.oldestPending == 0 && empty.waitingOrders == 0 && empty.oldestOrder == 0)
      try await desk.bury(2)
      try await desk.bury(1, errorType: "throttled")
      _ = try await desk.ask(.replay(.init(selection: .init(errorType: "throttled"), actor: Desk.actor)))
      try await DatabaseClock(pool: desk.pool).step(to: .seconds(100))
      let stock = try await retention(desk.pool).stock()
      #expect(stock.open == ["timeout": 2, "throttled": 1])
      #expect(stock.runningReplays == 1 && stock.waitingOrders == 1)
      #expect((99...130).contains(stock.oldestPending) && (99...130).contains(stock.oldestOrder))
      // Published is not answered.
      _ = try await desk.orders(UnitReplay.self)
      #expect(try await retention(desk.pool).stock().waitingOrders == 1)
    }
  }
}
