import AMQP
import Contracts
import Testing
import TestSupport

@testable import DeadLetter

@Suite("The dead-letter service", .serialized, .timeLimit(.minutes(3)))
struct DeadLetterServiceTests {
  @Test("stores dead units and says so; the same event twice is one letter and the same fact")
  func opens() async throws {
    try await DeadLetterService.with { service in
      let entry = Samples.dead()
      let event = Envelope(UnitsDead(units: [entry]), requestID: "r-7")
      try await service.publish(event)
      try await service.publish(event)
      try await eventually("the letter is announced twice") { try service.facts(LettersOpened.self).count >= 2 }
      let facts = try service.facts(LettersOpened.self)
      #expect(facts[0].header.id == facts[1].header.id)
      #expect(facts[0].header.requestID == "r-7")
      let letters = try await service.archive.letters(.init())
      #expect(letters.map(\.id) == facts[0].body.letters.map(\.letterID))
      #expect(letters.first?.messageID == entry.unit.messageID)
      try await service.publish(
        Envelope(LettersClosed(letters: [Samples.closing(entry, .lateAnswer, .sent).entry])))
      try await eventually("the letter is closed") {
        try await service.archive.letters(.init(state: .settled)).count == 1
      }
    }
  }

  @Test("sets aside what it cannot read, keeps it as poison, and goes on")
  func poison() async throws {
    try await DeadLetterService.with { service in
      for body in [Array("{nonsense".utf8), Array(#"{"v":1,"type":"unit.dead"}"#.utf8)] {
        try await service.publisher.publish(
          AMQPMessage(body: body), exchange: BrokerNames.events, routingKey: "unit.dead", timeout: .seconds(10))
      }
      try await service.publish(Envelope(UnitsDead(units: [Samples.dead()])))
      try await eventually("the poison is kept") { try await service.archive.poison(limit: 10).count == 2 }
      let kept = try await service.archive.poison(limit: 10)
      #expect(kept.allSatisfy { $0.queue == BrokerNames.deadLetterUnits && $0.error.hasPrefix("malformed") })
      #expect(kept.contains { $0.body == "{nonsense" })
      try await eventually("the good message is stored") { try await service.archive.letters(.init()).count == 1 }
    }
  }

  @Test("keeps what comes while the database is away and stores it afterwards")
  func databaseAway() async throws {
    let cluster = try await PostgresCluster.start()
    try await DeadLetterService.with(try await cluster.makeDatabase()) { service in
      try await service.publish(Envelope(UnitsDead(units: [Samples.dead()])))
      try await eventually("the first is announced") { try service.facts(LettersOpened.self).count == 1 }
      try await cluster.stop(.kill)
      for _ in 0..<5 { try await service.publish(Envelope(UnitsDead(units: [Samples.dead()]))) }
      try await cluster.start()
      // A lost connection may tell of one twice.
      try await eventually(within: .seconds(30), "all are announced") {
        Set(try service.facts(LettersOpened.self).flatMap(\.body.letters).map(\.letterID)).count == 6
      }
      #expect(try await service.archive.letters(.init()).count == 6)
    }
    try await cluster.stop(.fast)
  }
}
