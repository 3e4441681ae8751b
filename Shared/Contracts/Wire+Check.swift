extension Wire {
  /// Checks that bytes are a whole message that the consumer of this queue can work with: what somebody has mended by
  /// hand before it goes back.
  /// - Throws: `WireError`, which names the field.
  public static func check(_ bytes: [UInt8], for queue: String) throws {
    let header = try header(of: bytes)
    guard header.type.belongs(in: queue) else {
      throw WireError(code: .wrongQueue, message: ".type \(header.type.rawValue) is not for the queue")
    }
    try decode(header.type, from: bytes, for: queue)
  }

  private static func decode(_ type: MessageType, from bytes: [UInt8], for queue: String) throws {
    switch type {
    case .messageAccepted: _ = try decode(MessageAccepted.self, from: bytes)
    case .messageQueued: _ = try decode(MessagesQueued.self, from: bytes)
    case .messageCancelled: _ = try decode(MessagesCancelled.self, from: bytes)
    case .messagePaused: _ = try decode(MessagesPaused.self, from: bytes)
    case .messageResumed: _ = try decode(MessagesResumed.self, from: bytes)
    case .messageExpired: _ = try decode(MessagesExpired.self, from: bytes)
    case .messageFinished: _ = try decode(MessagesFinished.self, from: bytes)
    case .unitDispatched: _ = try decode(UnitsDispatched.self, from: bytes)
    case .unitChanged: _ = try decode(UnitsChanged.self, from: bytes)
    case .unitDead: _ = try decode(UnitsDead.self, from: bytes)
    case .letterOpened: _ = try decode(LettersOpened.self, from: bytes)
    case .letterClosed: _ = try decode(LettersClosed.self, from: bytes)
    case .letterFinished: _ = try decode(LettersFinished.self, from: bytes)
    case .providerChanged: _ = try decode(ProvidersChanged.self, from: bytes)
    case .queueChanged: _ = try decode(QueueChanged.self, from: bytes)
    case .ledgerMarked: _ = try decode(LedgerMarked.self, from: bytes)
    case .ledgerCounted: _ = try decode(LedgerCounted.self, from: bytes)
    case .userChanged: _ = try decode(UserChanged.self, from: bytes)
    case .commandAnswered: _ = try decode(CommandAnswered.self, from: bytes)
    case .send:
      let command = try decode(SendCommand.self, from: bytes).body
      guard BrokerNames.send(command.provider) == queue else {
        throw WireError(code: .wrongQueue, message: ".provider is not the queue's")
      }
    case .messageCancel: _ = try decode(MessageCancel.self, from: bytes)
    case .messagePause: _ = try decode(MessagePause.self, from: bytes)
    case .messageResume: _ = try decode(MessageResume.self, from: bytes)
    case .messageRetryFailed: _ = try decode(MessageRetryFailed.self, from: bytes)
    case .unitReplay: _ = try decode(UnitReplay.self, from: bytes)
    case .unitSettle: _ = try decode(UnitSettle.self, from: bytes)
    case .replayCancel: _ = try decode(ReplayCancel.self, from: bytes)
    case .providerSet: _ = try decode(ProviderSet.self, from: bytes)
    case .providerReset: _ = try decode(ProviderReset.self, from: bytes)
    case .sendingStop: _ = try decode(SendingStop.self, from: bytes)
    case .sendingGo: _ = try decode(SendingGo.self, from: bytes)
    case .deadLetterReplay: _ = try decode(DeadLetterReplay.self, from: bytes)
    case .deadLetterCancel: _ = try decode(DeadLetterCancel.self, from: bytes)
    case .deadLetterAbandon: _ = try decode(DeadLetterAbandon.self, from: bytes)
    case .deadLetterSettle: _ = try decode(DeadLetterSettle.self, from: bytes)
    case .poisonReturn: _ = try decode(PoisonReturn.self, from: bytes)
    case .poisonDrop: _ = try decode(PoisonDrop.self, from: bytes)
    case .attemptOutcome: _ = try decode(AttemptOutcomes.self, from: bytes)
    case .sendExpired: _ = try decode(SendsExpired.self, from: bytes)
    }
  }
}

extension MessageType {
  /// Whether the consumer of a queue works with messages of this type. What only the log carries belongs in none: a
  /// stream takes nothing back.
  public func belongs(in queue: String) -> Bool {
    switch self {
    case .messageAccepted: queue == BrokerNames.submissions
    case .unitDead, .letterClosed, .letterFinished, .commandAnswered: queue == BrokerNames.deadLetterUnits
    case .messageCancel, .messagePause, .messageResume, .messageRetryFailed, .unitReplay, .unitSettle, .replayCancel,
      .providerSet, .providerReset, .sendingStop, .sendingGo:
      queue == BrokerNames.schedulerCommands
    case .attemptOutcome, .sendExpired: queue == BrokerNames.outcomes
    case .deadLetterReplay, .deadLetterCancel, .deadLetterAbandon, .deadLetterSettle, .poisonReturn, .poisonDrop:
      queue == BrokerNames.deadLetterCommands
    case .send: queue.hasPrefix(BrokerNames.send(""))
    case .messageQueued, .messageCancelled, .messagePaused, .messageResumed, .messageExpired, .messageFinished,
      .unitDispatched, .unitChanged, .letterOpened, .providerChanged, .queueChanged, .ledgerMarked, .ledgerCounted,
      .userChanged:
      false
    }
  }
}
