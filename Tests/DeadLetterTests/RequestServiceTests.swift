import AMQP
import Contracts
import Postgres
import Testing
import TestSupport

@testable import DeadLetter

@Suite("Commands to the dead-letter service", .serialized, .timeLimit(.minutes(3)))
struct RequestServiceTests {
  private let actor = LetterActor(userID: nil, name: "ann")

  /// What the scheduler tells when it has taken the units of an order, and they have been sent.
  private func carryOut(_ order: UnitReplay, _ command: EnvelopeID, on service: DeadLetterService) async throws {
    var counts = UnitCounts()
    counts.pending = order.units.count
    try await service.publish(
      Envelope(CommandAnswered(commandID: command, command: .unitReplay, result: .done, counts: counts)))
    try await service.publish(
      Envelope(
        LettersClosed(
          letters: order.units.map {
            .init(unit: $0.unit, dispatch: $0.dispatch, state: .pending, reason: "replayed")
          })))
    try await service.publish(
      Envelope(
        LettersFinished(letters: order.units.map { .init(unit: $0.unit, dispatch: $0.dispatch, state: .sent) })))
  }

  @Test("replay letters: ordered at once, answered at once, delivered twice they are carried out once")
  func replays() async throws {
    try await DeadLetterService.with { service in
      _ = try await service.bury(3)
      let replay = DeadLetterReplay(selection: .init(), actor: actor)
      let id = try await service.command(replay)
      try await service.command(replay, id: id)
      let answer = try await service.answer(id)
      #expect(answer.result == .done)
      #expect(answer.letters == .init(applied: 3, segments: 3, replayID: ReplayID(id.uuid)))
      try await eventually("it is ordered") { try service.facts(UnitReplay.self).count == 1 }
      try await eventually("the repeat is answered too") { try service.facts(CommandAnswered.self).count == 2 }
      #expect(try service.facts(CommandAnswered.self).allSatisfy { $0.header.requestID == "r-1" })
      let order = try #require(try service.facts(UnitReplay.self).first)
      #expect(order.header.requestID == "r-1")
      try await carryOut(order.body, order.header.id, on: service)
      try await eventually("the letters are closed") {
        try await service.archive.letters(.init(state: .retried)).count == 3
      }
      #expect(try await service.archive.letters(.init()).allSatisfy { $0.replayID == ReplayID(id.uuid) })
      let ended = try await service.pool.query("SELECT FROM dead_letter.requests_read WHERE ended_at IS NOT NULL").count
      #expect(ended == 1)
    }
  }

  @Test("order what can be ordered, whatever else cannot")
  func oneFails() async throws {
    try await DeadLetterService.with { service in
      let letters = try await service.bury(2)
      let ids = letters.map { LetterIDs.letter($0.unit, dispatch: $0.dispatch) }
      try await service.pool.query(
        "UPDATE dead_letter.letters SET attempts = '[7]' WHERE letter_id = \(ids[0].uuid)")
      let poison = try await poison(on: service)
      for id in ids { try await service.command(DeadLetterReplay(selection: .init(ids: [id]), actor: actor)) }
      try await eventually("the other is ordered") {
        try service.facts(UnitReplay.self).contains { $0.body.units.map(\.unit) == [letters[1].unit] }
      }
      let command = try await service.command(PoisonReturn(letterID: poison, actor: actor))
      #expect(try await service.answer(command).letters == .init(applied: 1))
    }
  }

  @Test("are refused when they take too long three times, and hold nothing else up")
  func takesTooLong() async throws {
    try await DeadLetterService.with { service in
      let letters = try await service.bury(2)
      let ids = letters.map { LetterIDs.letter($0.unit, dispatch: $0.dispatch) }
      // Whoever marks this letter is stopped as by the time limit of statements.
      try await service.pool.withConnection {
        try await $0.execute(
          script: """
            CREATE FUNCTION dead_letter.dawdle() RETURNS trigger LANGUAGE plpgsql SET statement_timeout = 0
              AS 'BEGIN RAISE query_canceled; END';
            CREATE TRIGGER dawdle BEFORE UPDATE ON dead_letter.letters FOR EACH ROW
              WHEN (NEW.state = 'replaying' AND NEW.letter_id = '\(ids[0])') EXECUTE FUNCTION dead_letter.dawdle()
            """)
      }
      let slow = try await service.command(DeadLetterReplay(selection: .init(ids: [ids[0]]), actor: actor))
      let other = try await service.command(DeadLetterReplay(selection: .init(ids: [ids[1]]), actor: actor))
      #expect(try await service.answer(slow).reason == "timeout")
      #expect(try await service.answer(other).letters?.applied == 1)
    }
  }

  @Test("abandon letters: answered once the scheduler has")
  func abandons() async throws {
    try await DeadLetterService.with { service in
      let letters = try await service.bury(2)
      let id = try await service.command(DeadLetterAbandon(selection: .init(), actor: actor))
      try await eventually("it is ordered") { try service.facts(UnitSettle.self).count == 1 }
      #expect(try service.facts(CommandAnswered.self).isEmpty)
      let order = try #require(try service.facts(UnitSettle.self).first)
      #expect(Set(order.body.units.map(\.unit)) == Set(letters.map(\.unit)))
      try await service.publish(
        Envelope(CommandAnswered(commandID: order.header.id, command: .unitSettle, result: .done)))
      let answer = try await service.answer(id)
      #expect(answer.letters == .init(applied: 2) && answer.result == .done)
    }
  }

  @Test("are shared by replicas: each order is published by one of them, and all letters end")
  func replicas() async throws {
    try await DeadLetterService.with(replicas: 2) { service in
      _ = try await service.bury(1_000)
      let ids = try await withThrowingTaskGroup(of: EnvelopeID.self) { group in
        for _ in 0..<6 {
          group.addTask { try await service.command(DeadLetterReplay(selection: .init(), actor: actor)) }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      var counts: [CommandAnswered.LetterCounts] = []
      for id in ids { counts.append(try #require(try await service.answer(id).letters)) }
      #expect(counts.map(\.applied).sorted() == [0, 0, 0, 0, 0, 1_000])
      #expect(counts.count { $0.isRunning == true } == 5 && Set(counts.map(\.replayID)).count == 1)
      try await eventually("all is ordered") { try service.facts(UnitReplay.self).count >= 4 }
      let orders = try service.facts(UnitReplay.self)
      #expect(Set(orders.flatMap(\.body.units).map(\.unit)).count == 1_000)
      #expect(orders.count == 4)
      for order in orders { try await carryOut(order.body, order.header.id, on: service) }
      try await eventually(within: .seconds(30), "all letters are closed") {
        try await service.archive.letters(.init(state: .retried, limit: 10_000)).count == 1_000
      }
      try await eventually("the replay has ended") {
        try await service.pool.query(
          "SELECT FROM dead_letter.requests_read WHERE ended_at IS NOT NULL AND letters = 1000"
        ).count == 1
      }
    }
  }

  @Test("give poison back to its queue, mended, and know it again when it comes back")
  func givesBack() async throws {
    try await DeadLetterService.with { service in
      let id = try await poison(on: service)
      let drop = try await service.command(PoisonReturn(letterID: id, body: "{}", actor: actor))
      #expect(try await service.answer(drop).reason == "invalid_body")
      let mended = Envelope(
        MessageAccepted(
          messageID: .timeOrdered(), userID: .timeOrdered(), messageClass: .bulk, content: "Hi",
          recipients: ["+85291234567"], segments: 1, encoding: "gsm7", weight: 1, acceptedAt: Samples.time))
      let body = String(decoding: try Wire.encode(mended), as: UTF8.self)
      let command = try await service.command(PoisonReturn(letterID: id, body: body, actor: actor))
      #expect(try await service.answer(command).letters == .init(applied: 1))
      var returned: AMQPDelivery?
      try await eventually("it lies in its queue") {
        returned = service.facts.withLockedValue { $0.first { $0.queue == BrokerNames.submissions } }
        return returned != nil
      }
      let delivery = try #require(returned)
      #expect(String(decoding: delivery.body, as: UTF8.self) == body)
      #expect(delivery.messageID == mended.header.id.description)
      #expect(try await service.archive.poison(id)?.state == "retried")
      let again = try await service.command(PoisonReturn(letterID: id, actor: actor))
      #expect(try await service.answer(again).reason == "not_pending")
      // Its consumer cannot work with it, still.
      var headers = delivery.headers
      headers[PoisonHeader.originQueue] = .string(delivery.queue)
      headers[PoisonHeader.originExchange] = .string(delivery.exchange)
      headers[PoisonHeader.originRoutingKey] = .string(delivery.routingKey)
      headers[PoisonHeader.error] = "malformed: .content is too long"
      for _ in 0..<2 {
        try await service.publisher.publish(
          AMQPMessage(body: delivery.body, messageID: delivery.messageID, headers: headers),
          exchange: BrokerNames.dead, routingKey: delivery.routingKey, timeout: .seconds(10))
      }
      try await eventually("it is pending again") { try await service.archive.poison(id)?.state == "pending" }
      let kept = try await service.archive.poison(limit: 10)
      #expect(kept.map(\.id) == [id] && kept[0].times == 2 && kept[0].body == body)
      #expect(kept[0].error == "malformed: .content is too long")
      let last = try await service.command(PoisonDrop(letterID: id, actor: actor))
      #expect(try await service.answer(last).letters == .init(applied: 1))
      #expect(try await service.archive.poison(id)?.state == "abandoned")
    }
  }

  @Test("give no poison back of which nobody knows the queue")
  func noQueue() async throws {
    try await DeadLetterService.with { service in
      let id = try await poison(on: service, queue: BrokerNames.log)
      let command = try await service.command(PoisonReturn(letterID: id, actor: actor))
      #expect(try await service.answer(command).reason == "no_queue")
      let gone = try await poison(on: service, queue: BrokerNames.send("gone"))
      let other = try await service.command(PoisonReturn(letterID: gone, actor: actor))
      #expect(try await service.answer(other).reason == "no_queue")
      #expect(try await service.archive.poison(limit: 10).map(\.state) == ["pending", "pending"])
    }
  }

  /// Sets a message aside as another service would.
  private func poison(
    on service: DeadLetterService, queue: String = BrokerNames.submissions
  ) async throws -> EnvelopeID {
    let before = try await service.archive.poison(limit: 100).count
    try await service.publisher.publish(
      AMQPMessage(
        body: Array("{nonsense".utf8),
        headers: [PoisonHeader.originQueue: .string(queue), PoisonHeader.error: "malformed: not JSON"]),
      exchange: BrokerNames.dead, routingKey: "message.accepted", timeout: .seconds(10))
    try await eventually("it is kept") { try await service.archive.poison(limit: 100).count == before + 1 }
    return try #require(try await service.archive.poison(limit: 100).first { $0.queue == queue }).id
  }
}
