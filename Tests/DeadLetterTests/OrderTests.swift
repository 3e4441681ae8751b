import Contracts
import Foundation
import Postgres
import Testing
import TestSupport

@testable import DeadLetter

@Suite("Orders to the scheduler")
struct OrderTests {
  private func replay(_ desk: Desk) async throws -> StoredRequest {
    try await desk.ask(.replay(.init(selection: .init(), actor: Desk.actor)))
  }

  private func cancel(_ replay: StoredRequest, _ desk: Desk) async throws -> StoredRequest {
    try await desk.ask(.cancel(.init(replayID: ReplayID(replay.id.uuid), actor: Desk.actor)))
  }

  /// Publishes one order.
  private func next(_ desk: Desk) async throws -> PendingOrder? {
    try await desk.pool.withTransaction { connection in
      let order = try await PendingOrder.next(connection)
      try await order?.markPublished(connection)
      return order
    }
  }

  @Test("tell the newest of a long history, and the beginning of what providers said")
  func short() async throws {
    try await withDesk { desk in
      var entry = Samples.dead(dispatch: 59)
      entry.attempts = (0..<60).map {
        UnitsDead.Attempt(
          dispatch: $0, provider: "hkt", outcome: .retryable,
          reply: ProviderReply(status: 429, body: String(repeating: "x", count: 2_048)), errorCode: "http_429",
          startedAt: nil, finishedAt: Samples.time)
      }
      _ = try await LetterStore(pool: desk.pool).open([NewLetter(entry)])
      _ = try await replay(desk)
      let told = try #require(try await desk.orders(UnitReplay.self).first?.body.units.first)
      #expect(told.attempts.map(\.dispatch) == Array(44..<60))
      #expect(told.attempts.allSatisfy { $0.reply?.body.utf8.count == 256 })
      let kept = try await LetterArchive(pool: desk.pool).letters(.init())
      #expect(kept.first?.attempts.count == 60)
    }
  }

  @Test("that fail wait for all others, and a cancellation goes before them")
  func order() async throws {
    try await withDesk { desk in
      try await desk.bury(600)
      let request = try await replay(desk)
      for chunk in 0..<2 {
        let order = try #require(try await desk.pool.withTransaction { try await PendingOrder.next($0) })
        #expect(order.chunk == chunk)
        try await desk.pool.withConnection { try await order.markFailed($0) }
      }
      #expect(try await next(desk)?.chunk == 2)
      #expect(try await next(desk)?.chunk == 0)
      let taken = try await cancel(request, desk)
      #expect(try await next(desk)?.requestID == taken.id.uuid)
      let left = try await next(desk)
      #expect(left == nil)
    }
  }

  @Test("are cut by bytes too: long texts and histories go in more of them, each letter once")
  func long() async throws {
    try await withDesk { desk in
      var entries = (0..<600).map { _ in
        Samples.dead(
          content: String(repeating: "\u{1F600}\"", count: 800), reply: String(repeating: "\n", count: 2_000))
      }
      for index in entries.indices {
        entries[index].attempts = (0..<20).map { dispatch in
          var attempt = entries[index].attempts[0]
          attempt.dispatch = dispatch
          return attempt
        }
      }
      let letters = LetterStore(pool: desk.pool)
      for start in stride(from: 0, to: entries.count, by: 100) {
        _ = try await letters.open(try entries[start..<start + 100].map(NewLetter.init))
      }
      let request = try await replay(desk)
      #expect(request.letters == 600)
      var units: [UnitID] = []
      var sizes: [Int] = []
      while let message = try await desk.nextOrder() {
        sizes.append(message.count)
        units += try Wire.decode(UnitReplay.self, from: message).body.units.map(\.unit)
      }
      #expect(units.count == 600 && Set(units) == Set(entries.map(\.unit)))
      #expect((sizes.max() ?? 0) < 2 * LetterMarking.orderBytes && sizes.count > 3, "\(sizes)")
      let orders = try await desk.pool.query("SELECT FROM dead_letter.orders").count
      #expect(orders == sizes.count)
    }
  }

  @Test("tell of the newest attempts alone; the letter of the next death has all of them, with their whole answers")
  func wholeHistory() async throws {
    try await withDesk { desk in
      let answer = String(repeating: "long ", count: 100)
      var entry = Samples.dead(dispatch: 19)
      entry.attempts = (0..<20).map { dispatch in
        UnitsDead.Attempt(
          dispatch: dispatch, provider: "hkt", outcome: dispatch == 19 ? .unknown : .retryable,
          reply: ProviderReply(status: 500, body: answer), errorCode: nil, startedAt: nil, finishedAt: Samples.time)
      }
      let letters = LetterStore(pool: desk.pool)
      _ = try await letters.open([NewLetter(entry)])
      _ = try await replay(desk)
      // The scheduler knows nothing else of it.
      var again = try #require(try await desk.orders(UnitReplay.self).first?.body.units.first)
      #expect(again.attempts.count == 16 && again.attempts[0].reply?.body.count == 256)
      again.dispatch = 21
      again.attempts[15].outcome = .retryable
      var last = again.attempts[15]
      (last.dispatch, last.reply) = (20, ProviderReply(status: 503, body: "new"))
      again.attempts.append(last)
      _ = try await letters.open([NewLetter(again)])
      let letter = try #require(try await LetterArchive(pool: desk.pool).letters(.init()).first)
      #expect(letter.attempts.map(\.dispatch) == Array(0...20))
      #expect(letter.attempts.dropLast(2).allSatisfy { $0.reply?.body == answer })
      // What is known better by now is news.
      #expect(letter.attempts.suffix(2).map(\.outcome) == [.retryable, .retryable])
      #expect(letter.attempts.last?.reply?.body == "new")
      #expect(letter.replayCount == 1)
    }
  }

  @Test("go again when they are not answered, ever more seldom")
  func again() async throws {
    try await withDesk { desk in
      try await desk.bury(1)
      _ = try await replay(desk)
      let clock = DatabaseClock(pool: desk.pool)
      let first = try #require(try await desk.orders(UnitReplay.self).first)
      for (seconds, isDue) in [(50, false), (70, true), (200, false), (320, true)] {
        try await clock.step(to: .seconds(seconds))
        let again = try await desk.orders(UnitReplay.self).map(\.header.id)
        #expect(again == (isDue ? [first.header.id] : []), "after \(seconds) s")
      }
      _ = try await desk.requests.take(
        CommandAnswered(commandID: first.header.id, command: .unitReplay, result: .done))
      try await clock.step(to: .seconds(86_400))
      let late = try await desk.orders(UnitReplay.self)
      #expect(late.isEmpty)
    }
  }

  @Test("that left while their mark was lost count once when their replay is cancelled")
  func markLost() async throws {
    try await withDesk { desk in
      try await desk.bury(300)
      let request = try await replay(desk)
      _ = try await next(desk)
      // The second order was published too, and the transaction that said so was rolled back: the scheduler has all 300.
      let taken = try await cancel(request, desk)
      let order = try #require(try await next(desk))
      var counts = UnitCounts()
      counts.dead = 299
      counts.sending = 1
      let done = try await desk.requests.take(
        CommandAnswered(commandID: order.commandID, command: .replayCancel, result: .done, counts: counts))
      #expect(done?.answer?.letters?.applied == 299, "\(String(describing: done?.answer)) of \(taken.id)")
    }
  }

  @Test("of a cancelled replay that have not left never do: their letters are pending at once")
  func unpublished() async throws {
    try await withDesk { desk in
      try await desk.bury(300)
      let request = try await replay(desk)
      #expect(try await next(desk)?.chunk == 0)
      let taken = try await cancel(request, desk)
      #expect(try await desk.states() == ["replaying": 256, "pending": 44])
      #expect(try await desk.results(request) == ["": 256, "taken_back": 44])
      let order = try #require(try await next(desk))
      #expect(order.requestID == taken.id.uuid)
      var counts = UnitCounts()
      counts.dead = 256
      for chunk in 0..<1 {
        _ = try await desk.requests.take(
          CommandAnswered(
            commandID: LetterIDs.order(request.id, chunk: chunk), command: .unitReplay, result: .done))
      }
      let done = try await desk.requests.take(
        CommandAnswered(commandID: order.commandID, command: .replayCancel, result: .done, counts: counts))
      #expect(done?.answer?.letters?.applied == 300 && done?.answer?.result == .done)
      // What the scheduler took back, it tells of.
      #expect(try await desk.states() == ["replaying": 256, "pending": 44])
    }
  }

  @Test("whose answers are lost free their letters with the answer to the cancellation", arguments: [true, false])
  func lost(isKnown: Bool) async throws {
    try await withDesk { desk in
      let letters = try await desk.bury(300)
      let request = try await replay(desk)
      let orders = try await desk.orders(UnitReplay.self)
      _ = try await desk.requests.take(
        CommandAnswered(commandID: orders[0].header.id, command: .unitReplay, result: .done))
      _ = try await cancel(request, desk)
      let order = try #require(try await next(desk))
      let done = try await desk.requests.take(
        CommandAnswered(
          commandID: order.commandID, command: .replayCancel, result: isKnown ? .done : .refused,
          reason: isKnown ? nil : "nothing_to_cancel"))
      // The scheduler has none of it: neither what it answered nor what it did not.
      #expect(try await desk.states() == (isKnown ? ["replaying": 256, "pending": 44] : ["pending": 300]))
      #expect(done?.answer?.letters?.applied == (isKnown ? 0 : 300))
      #expect(try await desk.load(request.id).isEnded == !isKnown)
      // One went out all the same.
      let sent = try #require(letters.last)
      try await desk.finish(sent, .sent)
      #expect(try await desk.states()["retried"] == 1)
      #expect(try await desk.results(request)["sent"] == 1)
      let equal = try await replay(desk)
      #expect(equal.replayID == (isKnown ? ReplayID(request.id.uuid) : nil))
    }
  }
}
