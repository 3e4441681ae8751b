import AMQP
import Contracts

/// A delivery that was understood.
enum Incoming: Sendable {
  case dead(Envelope<UnitsDead>, [NewLetter])
  case closed(Envelope<LettersClosed>, [Closing])
  case finished(Envelope<LettersFinished>)
  case command(LetterCommand, EnvelopeHeader)
  case answer(CommandAnswered)
  case poison(PoisonMessage)

  /// A letter that the scheduler closed.
  struct Closing: Sendable {
    var entry: LettersClosed.Entry
    var state: LetterState
  }

  /// - Throws: `WireError` for what this service does not understand.
  init(_ delivery: AMQPDelivery) throws {
    if delivery.queue == BrokerNames.poison {
      self = .poison(PoisonMessage(delivery))
      return
    }
    let header = try Wire.header(of: delivery.body)
    switch header.type {
    case .unitDead:
      let envelope = try Wire.decode(UnitsDead.self, from: delivery.body)
      self = .dead(envelope, try envelope.body.units.map(NewLetter.init))
    case .letterClosed:
      let envelope = try Wire.decode(LettersClosed.self, from: delivery.body)
      self = .closed(envelope, try envelope.body.letters.map(Self.closing))
    case .letterFinished:
      self = .finished(try Wire.decode(LettersFinished.self, from: delivery.body))
    case .commandAnswered:
      self = .answer(try Wire.decode(CommandAnswered.self, from: delivery.body).body)
    case .deadLetterReplay:
      self = .command(.replay(try Wire.decode(DeadLetterReplay.self, from: delivery.body).body), header)
    case .deadLetterCancel:
      self = .command(.cancel(try Wire.decode(DeadLetterCancel.self, from: delivery.body).body), header)
    case .deadLetterAbandon:
      self = .command(.abandon(try Wire.decode(DeadLetterAbandon.self, from: delivery.body).body), header)
    case .deadLetterSettle:
      self = .command(.settle(try Wire.decode(DeadLetterSettle.self, from: delivery.body).body), header)
    case .poisonReturn:
      self = .command(.return(try Wire.decode(PoisonReturn.self, from: delivery.body).body), header)
    case .poisonDrop:
      self = .command(.drop(try Wire.decode(PoisonDrop.self, from: delivery.body).body), header)
    case .messageAccepted, .messageQueued, .messageCancelled, .messagePaused, .messageResumed, .messageFinished,
      .messageExpired, .unitDispatched, .unitChanged, .letterOpened, .providerChanged, .queueChanged, .ledgerMarked,
      .ledgerCounted,
      .userChanged, .send, .messageCancel, .messagePause, .messageResume, .messageRetryFailed, .unitReplay, .unitSettle,
      .replayCancel, .providerSet, .providerReset, .sendingStop, .sendingGo, .attemptOutcome, .sendExpired:
      throw WireError(code: .unexpectedType, message: "\(header.type.rawValue) is not for the dead-letter service")
    }
  }

  private static func closing(_ entry: LettersClosed.Entry) throws -> Closing {
    guard let reason = LetterState.CloseReason(rawValue: entry.reason) else {
      throw WireError(code: .malformed, message: ".letters.reason is not known")
    }
    return Closing(entry: entry, state: LetterState(closedFor: reason))
  }
}
