import Contracts
import Foundation
import Postgres
import Testing
import TestSupport

@testable import DeadLetter

@Suite("Requests about letters")
struct LetterRequestTests {
  @Test("mark the letters, order them in parts, and are answered the same again")
  func replays() async throws {
    try await withDesk { desk in
      try await desk.bury(300)
      let command = EnvelopeID.timeOrdered()
      let replay = DeadLetterReplay(selection: .init(), messageClass: .urgent, actor: Desk.actor)
      let first = try await desk.ask(.replay(replay), id: command)
      let answer = try #require(first.answer)
      #expect(answer.result == .done && answer.commandID == command)
      #expect(answer.letters == .init(applied: 300, segments: 300, replayID: ReplayID(command.uuid)))
      let again = try await desk.ask(.replay(replay), id: command)
      #expect(again.answer?.letters == answer.letters)
      #expect(again.fact?.header.id == first.fact?.header.id)
      let orders = try await desk.orders(UnitReplay.self)
      #expect(orders.map(\.body.units.count) == [256, 44])
      #expect(orders.allSatisfy { $0.body.messageClass == .urgent && $0.body.replayID == ReplayID(command.uuid) })
      #expect(Set(orders.map(\.header.id)) == Set((0..<2).map { LetterIDs.order(command, chunk: $0) }))
      let states = try await desk.states()
      #expect(states == ["replaying": 300])
      let told = orders[0].body.units[0]
      let buried = try #require(desk.buried.first { $0.unit == told.unit })
      #expect(told == buried)
    }
  }

  @Test("of more letters than one statement marks have each of them once, in full orders, the oldest first")
  func many() async throws {
    try await withDesk { desk in
      try await desk.bury(1)
      // The same letter over and over, as old as it may be, several of the same age.
      try await desk.pool.query(
        """
        INSERT INTO dead_letter.letters (letter_id, unit_state, error_type, message_id, unit_index, dispatch, user_id,
          class, phone, content, segments, encoding, retry_count, max_attempts, attempts, accepted_at, died_at, created_at)
        SELECT gen_random_uuid(), 'dead', error_type, gen_random_uuid(), i % 10, dispatch, user_id, class, phone, content,
          segments, encoding, retry_count, max_attempts, attempts, accepted_at, died_at,
          created_at - i / 3 * interval '1.000001 s'
        FROM dead_letter.letters, generate_series(1, 19999) AS i
        """)
      let replay = try await desk.ask(.replay(.init(selection: .init(limit: 16_384), actor: Desk.actor)))
      #expect(replay.letters == 16_384 && replay.segments == 16_384)
      let orders = try await desk.orders(UnitReplay.self)
      #expect(orders.map(\.body.units.count) == Array(repeating: 256, count: 64))
      #expect(Set(orders.flatMap(\.body.units).map(\.unit)).count == 16_384)
      let abandon = try await desk.ask(.abandon(.init(selection: .init(), actor: Desk.actor)))
      #expect(abandon.letters == 3_616)
      let row = try #require(
        try await desk.pool.query(
          """
          SELECT max(created_at) FILTER (WHERE state = 'replaying') <= min(created_at) FILTER (WHERE state = 'pending')
            AS is_oldest FROM dead_letter.letters
          """
        ).first)
      #expect(try row.decode("is_oldest"))
      let rest = try await desk.ask(.settle(.init(selection: .init(), verdict: .sent, actor: Desk.actor)))
      #expect(rest.letters == 0 && rest.answer?.result == .done)
    }
  }

  @Test("choose by every filter, the oldest first, and only what is pending")
  func filters() async throws {
    try await withDesk { desk in
      try await desk.bury(3)
      let other = try await desk.bury(1, errorType: "throttled", provider: "other")
      #expect(try await desk.count(.init()) == 4)
      #expect(try await desk.count(.init(errorType: "throttled")) == 1)
      #expect(try await desk.count(.init(provider: "hkt")) == 3)
      #expect(try await desk.count(.init(userID: .timeOrdered())) == 0)
      #expect(try await desk.count(.init(messageID: other[0].unit.messageID)) == 1)
      #expect(try await desk.count(.init(from: .now() + .seconds(60))) == 0)
      #expect(try await desk.count(.init(to: .now() + .seconds(60), limit: 2)) == 2)
      let request = try await desk.ask(.replay(.init(selection: .init(errorType: "throttled"), actor: Desk.actor)))
      #expect(request.letters == 1)
      let limited = try await desk.ask(.replay(.init(selection: .init(limit: 2), actor: Desk.actor)))
      #expect(limited.letters == 2)
      let rest = try await desk.ask(.replay(.init(selection: .init(), actor: Desk.actor)))
      #expect(rest.letters == 1)
    }
  }

  @Test("that ask for the same while one runs do nothing and say so, and so does their repeat after its end")
  func equal() async throws {
    try await withDesk { desk in
      try await desk.bury(2)
      let replay = LetterCommand.replay(.init(selection: .init(), actor: Desk.actor))
      let ids = (0..<5).map { _ in EnvelopeID.timeOrdered() }
      let requests = try await withThrowingTaskGroup(of: StoredRequest.self) { group in
        for id in ids { group.addTask { try await desk.ask(replay, id: id) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let running = try #require(requests.first { $0.letters == 2 })
      let others = requests.filter { $0.id != running.id }
      #expect(others.count == 4)
      let said = CommandAnswered.LetterCounts(
        applied: 0, segments: 0, replayID: ReplayID(running.id.uuid), isRunning: true)
      #expect(others.allSatisfy { $0.answer?.letters == said && $0.answer?.result == .done })
      #expect(try await desk.orders(UnitReplay.self).count == 1)
      let different = try await desk.ask(.replay(.init(selection: .init(limit: 7), actor: Desk.actor)))
      #expect(different.letters == 0 && different.answer?.letters?.isRunning == nil)
      for entry in desk.buried { try await desk.finish(entry, .sent) }
      #expect(try await desk.load(running.id).isEnded)
      try await desk.bury(1)
      let repeated = try await desk.ask(replay, id: others[0].id)
      #expect(repeated.answer?.letters == said)
      let new = try await desk.ask(replay)
      #expect(new.letters == 1)
    }
  }

  @Test("give letters back whose SMS the scheduler refuses, and end with the last of the others")
  func refusals() async throws {
    try await withDesk { desk in
      let letters = try await desk.bury(3)
      let request = try await desk.ask(.replay(.init(selection: .init(), actor: Desk.actor)))
      let order = try #require(try await desk.orders(UnitReplay.self).first)
      let refusal = CommandAnswered.Refusal(unit: letters[1].unit, reason: "provider_not_allowed")
      let answer = CommandAnswered(
        commandID: order.header.id, command: .unitReplay, result: .done, refusals: [refusal])
      for _ in 0..<2 { _ = try await desk.requests.take(answer) }
      #expect(try await desk.states() == ["pending": 1, "replaying": 2])
      #expect(try await desk.results(request) == ["refused:provider_not_allowed": 1, "": 2])
      #expect(try await !desk.load(request.id).isEnded)
      try await desk.finish(letters[0], .sent)
      try await desk.finish(letters[2], .dead)
      #expect(try await desk.results(request) == ["refused:provider_not_allowed": 1, "sent": 1, "dead": 1])
      #expect(try await desk.load(request.id).isEnded)
      #expect(try await desk.states() == ["pending": 2, "retried": 1])
    }
  }

  @Test("that the scheduler refuses as a whole change nothing in the end")
  func refusedWhole() async throws {
    try await withDesk { desk in
      try await desk.bury(2)
      let replay = DeadLetterReplay(selection: .init(), provider: "gone", actor: Desk.actor)
      let request = try await desk.ask(.replay(replay))
      let order = try #require(try await desk.orders(UnitReplay.self).first)
      #expect(order.body.provider == "gone")
      _ = try await desk.requests.take(
        CommandAnswered(
          commandID: order.header.id, command: .unitReplay, result: .refused, reason: "unknown_provider"))
      #expect(try await desk.states() == ["pending": 2])
      #expect(try await desk.results(request) == ["refused:unknown_provider": 2])
      #expect(try await desk.load(request.id).isEnded)
    }
  }

  @Test("to abandon and to settle concern only SMS in the right state, and are answered after the scheduler")
  func settles() async throws {
    try await withDesk { desk in
      let dead = try await desk.bury(2)
      let unconfirmed = try await desk.bury(1, state: .unconfirmed)
      let abandon = try await desk.ask(.abandon(.init(selection: .init(), actor: Desk.actor)))
      #expect(abandon.answer == nil && abandon.letters == 2)
      let order = try #require(try await desk.orders(UnitSettle.self).first)
      #expect(order.body.verdict == .abandoned && Set(order.body.units.map(\.unit)) == Set(dead.map(\.unit)))
      let refusal = CommandAnswered.Refusal(unit: dead[0].unit, reason: "wrong_state")
      let done = try await desk.requests.take(
        CommandAnswered(commandID: order.header.id, command: .unitSettle, result: .done, refusals: [refusal]))
      #expect(done?.answer?.letters == .init(applied: 1, refused: 1))
      #expect(done?.answer?.result == .done)
      #expect(try await desk.results(abandon) == ["refused:wrong_state": 1, "failed": 1])
      let ids = unconfirmed.map { LetterIDs.letter($0.unit, dispatch: $0.dispatch) }
      let settle = try await desk.ask(
        .settle(.init(selection: .init(ids: ids), verdict: .sent, actor: Desk.actor)))
      let settling = try #require(try await desk.orders(UnitSettle.self).first)
      #expect(settling.body.verdict == .sent)
      let settled = try await desk.requests.take(
        CommandAnswered(commandID: settling.header.id, command: .unitSettle, result: .done))
      #expect(settled?.id == settle.id && settled?.answer?.letters == .init(applied: 1))
      #expect(try await desk.results(settle) == ["sent": 1])
    }
  }

  @Test("about letters that are named say why none of them can be taken")
  func named() async throws {
    try await withDesk { desk in
      let letters = try await desk.bury(1)
      let id = LetterIDs.letter(letters[0].unit, dispatch: letters[0].dispatch)
      let unknown = LetterSelection(ids: [.timeOrdered()])
      #expect(try await desk.reason(.replay(.init(selection: unknown, actor: Desk.actor))) == "not_found")
      let named = LetterSelection(ids: [id, id])
      #expect(
        try await desk.reason(.settle(.init(selection: named, verdict: .sent, actor: Desk.actor))) == "wrong_state")
      let past = DeadLetterReplay(selection: named, expiresAt: .now() + .seconds(-60), actor: Desk.actor)
      #expect(try await desk.reason(.replay(past)) == "expired")
      _ = try await desk.ask(.replay(.init(selection: named, messageClass: .urgent, actor: Desk.actor)))
      #expect(try await desk.reason(.replay(.init(selection: named, actor: Desk.actor))) == "not_pending")
      let many = LetterSelection(ids: (0...LetterSelection.idLimit).map { _ in .timeOrdered() })
      #expect(try await desk.reason(.replay(.init(selection: many, actor: Desk.actor))) == "too_many")
      #expect(try await desk.reason(.abandon(.init(selection: .init(ids: []), actor: Desk.actor))) == "empty")
      #expect(try await desk.reason(.abandon(.init(selection: .init(limit: 0), actor: Desk.actor))) == "invalid_limit")
    }
  }

  @Test("to cancel a replay are answered with what went back and what goes nevertheless")
  func cancels() async throws {
    try await withDesk { desk in
      let letters = try await desk.bury(3)
      let unknown = try await desk.ask(.cancel(.init(replayID: .timeOrdered(), actor: Desk.actor)))
      #expect(unknown.answer?.reason == "not_found")
      let replay = try await desk.ask(.replay(.init(selection: .init(), actor: Desk.actor)))
      _ = try await desk.orders(UnitReplay.self)
      let replayID = ReplayID(replay.id.uuid)
      let cancel = try await desk.ask(.cancel(.init(replayID: replayID, actor: Desk.actor)))
      #expect(cancel.answer == nil)
      let order = try #require(try await desk.orders(ReplayCancel.self).first)
      #expect(order.body.replayID == replayID)
      var counts = UnitCounts()
      counts.dead = 2
      counts.sending = 1
      let done = try await desk.requests.take(
        CommandAnswered(commandID: order.header.id, command: .replayCancel, result: .done, counts: counts))
      #expect(done?.answer?.letters == .init(applied: 2, refused: 1, replayID: replayID))
      for (entry, state) in zip(letters, [UnitState.dead, .dead, .sent]) {
        try await desk.finish(entry, state, takenBack: state == .dead ? true : nil)
      }
      #expect(try await desk.results(replay) == ["taken_back": 2, "sent": 1])
      #expect(try await desk.load(replay.id).isEnded)
      let late = try await desk.ask(.cancel(.init(replayID: replayID, actor: Desk.actor)))
      #expect(late.answer?.reason == "already_cancelled")
    }
  }

  @Test("to cancel a replay of which everything has gone leave it as it was, and a later one is told the same")
  func cancelsNothing() async throws {
    try await withDesk { desk in
      let letters = try await desk.bury(2)
      let replay = try await desk.ask(.replay(.init(selection: .init(), actor: Desk.actor)))
      _ = try await desk.orders(UnitReplay.self)
      let command = DeadLetterCancel(replayID: ReplayID(replay.id.uuid), actor: Desk.actor)
      let cancel = try await desk.ask(.cancel(command))
      #expect(cancel.answer == nil)
      let order = try #require(try await desk.orders(ReplayCancel.self).first)
      for (entry, state) in zip(letters, [UnitState.sent, .failed]) { try await desk.finish(entry, state) }
      let refused = CommandAnswered(
        commandID: order.header.id, command: .replayCancel, result: .refused, reason: "nothing_to_cancel")
      #expect(try await desk.requests.take(refused)?.answer?.reason == "nothing_to_cancel")
      let row = try await desk.pool.query(
        "SELECT cancelled_at, cancelled_by FROM dead_letter.requests_read WHERE kind = 'replay'"
      ).first
      #expect(try row?.decode("cancelled_at", as: Date?.self) == nil)
      #expect(try row?.decode("cancelled_by", as: String?.self) == nil)
      let late = try await desk.ask(.cancel(command))
      #expect(late.answer?.reason == "nothing_to_cancel")
    }
  }

  @Test("to cancel a replay twice do it once, and the replay has who did, when and why")
  func cancelsTwice() async throws {
    try await withDesk { desk in
      try await desk.bury(2)
      let replay = try await desk.ask(.replay(.init(selection: .init(), actor: Desk.actor)))
      _ = try await desk.orders(UnitReplay.self)
      let user = UserID.timeOrdered()
      let ann = LetterActor(userID: user, name: "ann", reason: "the wrong provider")
      _ = try await desk.ask(.cancel(.init(replayID: ReplayID(replay.id.uuid), actor: ann)))
      let again = try await desk.ask(.cancel(.init(replayID: ReplayID(replay.id.uuid), actor: Desk.actor)))
      #expect(again.answer?.result == .refused && again.answer?.reason == "already_cancelled")
      #expect(try await desk.orders(ReplayCancel.self).count == 1)
      let row = try #require(
        try await desk.pool.query(
          """
          SELECT cancelled_by, cancelled_by_id, cancel_reason, cancelled_at IS NOT NULL AS has_time
          FROM dead_letter.requests_read WHERE kind = 'replay'
          """
        ).first)
      #expect(try row.decode("cancelled_by") == "ann" && row.decode("cancelled_by_id") == user.uuid)
      #expect(try row.decode("cancel_reason") == "the wrong provider" && row.decode("has_time") == true)
    }
  }

  @Test("are recorded with who asked, why and when")
  func recorded() async throws {
    try await withDesk { desk in
      try await desk.bury(1)
      let user = UserID.timeOrdered()
      let actor = LetterActor(userID: user, name: "ann", reason: "the provider is back")
      let request = try await desk.ask(.replay(.init(selection: .init(), provider: "hkt", actor: actor)))
      let row = try #require(
        try await desk.pool.query(
          "SELECT kind, actor, actor_id, reason, provider, letters FROM dead_letter.requests_read"
        ).first)
      #expect(try row.decode("kind") == "replay" && row.decode("actor") == "ann")
      #expect(try row.decode("actor_id") == user.uuid && row.decode("reason") == "the provider is back")
      #expect(try row.decode("provider") == "hkt" && row.decode("letters", as: Int.self) == 1)
      #expect(try await desk.results(request) == ["": 1])
    }
  }
}
