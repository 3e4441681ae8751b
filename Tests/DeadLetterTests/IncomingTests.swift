import AMQP
import Contracts
import Testing

@testable import DeadLetter

@Suite("An incoming message")
struct IncomingTests {
  private func read<Body: Payload>(_ body: Body) throws -> Incoming {
    try Incoming(Samples.delivery(Wire.encode(Envelope(body))))
  }

  @Test("about dead units becomes letters whose ids follow from unit and dispatch")
  func dead() throws {
    let entry = Samples.dead()
    guard case .dead(_, let first) = try read(UnitsDead(units: [entry])),
      case .dead(_, let second) = try read(UnitsDead(units: [entry]))
    else {
      Issue.record("not read as dead units")
      return
    }
    #expect(first.map(\.id) == second.map(\.id))
    #expect(first[0].provider == "hkt")
    #expect(first[0].lastAttemptAt == Samples.time + .seconds(1))
    var later = entry
    later.dispatch += 1
    #expect(try Samples.letter(later).id != first[0].id)
  }

  @Test(
    "about units in a state of which there are no letters is malformed", arguments: [UnitState.sent, .pending, .failed])
  func wrongState(state: UnitState) {
    #expect(throws: WireError.self) { try read(UnitsDead(units: [Samples.dead(state: state)])) }
  }

  @Test(
    "about closed letters says what became of each",
    arguments: [
      (LetterState.CloseReason.lateAnswer, LetterState.settled), (.settled, .settled), (.replayed, .replaying),
      (.retryFailed, .retried), (.abandoned, .abandoned),
    ])
  func closed(reason: LetterState.CloseReason, state: LetterState) throws {
    let entry = Samples.closing(Samples.dead(), reason).entry
    guard case .closed(_, let closings) = try read(LettersClosed(letters: [entry])) else {
      Issue.record("not read as closed letters")
      return
    }
    #expect(closings.map(\.state) == [state])
  }

  @Test("with an unknown reason, of a foreign type or without sense is refused")
  func refused() throws {
    let entry = LettersClosed.Entry(
      unit: Samples.dead().unit, dispatch: 0, state: .sent, reason: "because")
    #expect(throws: WireError.self) { try read(LettersClosed(letters: [entry])) }
    #expect(throws: WireError.self) { try read(UnitsDispatched(units: [], dispatchedAt: .now())) }
    #expect(throws: WireError.self) { try Incoming(Samples.delivery(Array("{".utf8))) }
  }

  @Test("from the poison queue is poison, whatever it holds")
  func poison() throws {
    guard case .poison = try Incoming(Samples.delivery([0xFF], queue: BrokerNames.poison)) else {
      Issue.record("not read as poison")
      return
    }
  }
}

@Suite("A poison message")
struct PoisonMessageTests {
  @Test("knows where it came from by our headers, or by the broker's")
  func origin() {
    let ours = PoisonMessage(
      Samples.delivery(
        [1], queue: BrokerNames.poison,
        headers: [
          PoisonHeader.originQueue: "scheduler.submissions", PoisonHeader.originExchange: "sluice.events",
          PoisonHeader.originRoutingKey: "message.accepted", PoisonHeader.error: "malformed: not JSON",
          "x-first-death-queue": "other",
        ]))
    #expect(ours.queue == "scheduler.submissions")
    #expect(ours.routingKey == "message.accepted")
    #expect(ours.error == "malformed: not JSON")
    let brokers = PoisonMessage(
      Samples.delivery(
        [1], queue: BrokerNames.poison,
        headers: [
          "x-first-death-queue": "send.hkt", "x-first-death-reason": "delivery_limit",
          "x-first-death-exchange": "sluice.commands",
        ]))
    #expect(brokers.queue == "send.hkt")
    #expect(brokers.exchange == "sluice.commands")
    #expect(brokers.error == "delivery_limit")
  }

  @Test("has the same id whenever it comes, and another with another body or origin")
  func identity() {
    func id(_ body: [UInt8], _ queue: String) -> EnvelopeID {
      PoisonMessage(
        Samples.delivery(body, queue: BrokerNames.poison, headers: [PoisonHeader.originQueue: .string(queue)])
      ).id
    }
    #expect(id([1], "a") == id([1], "a"))
    #expect(id([1], "a") != id([2], "a"))
    #expect(id([1], "a") != id([1], "b"))
  }

  @Test("shows headers of every kind as JSON that PostgreSQL can hold")
  func headers() {
    let text = HeaderJSON.text([
      "s": "a\0b", "i": 1, "b": true, "n": .null, "a": .array([.double(.nan), .bytes([255])]), "t": .table(["k": "v"]),
    ])
    #expect(text == #"{"a":["nan","/w=="],"b":true,"i":1,"n":null,"s":"a\#u{FFFD}b","t":{"k":"v"}}"#)
  }
}

@Suite("A failure of the intake")
struct IntakeFailureTests {
  @Test("is poison only when the message itself is at fault")
  func meaning() {
    struct Other: Error {}
    #expect(IntakeFailure(WireError(code: .malformed, message: "x")) == .poison)
    #expect(IntakeFailure(CancellationError()) == .stopping)
    #expect(IntakeFailure(PublishError(code: .closed, message: "x")) == .stopping)
    #expect(IntakeFailure(PublishError(code: .unroutable, message: "x")) == .later)
    #expect(IntakeFailure(Other()) == .later)
  }
}
