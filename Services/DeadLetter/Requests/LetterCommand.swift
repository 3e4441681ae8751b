import Contracts

/// What somebody can ask to be done with letters, as tables have it.
enum RequestKind: String, Sendable {
  case replay, cancel, abandon, settle, `return`, drop
}

/// A command about letters, of whichever kind.
enum LetterCommand: Sendable {
  case replay(DeadLetterReplay)
  case cancel(DeadLetterCancel)
  case abandon(DeadLetterAbandon)
  case settle(DeadLetterSettle)
  case `return`(PoisonReturn)
  case drop(PoisonDrop)

  var kind: RequestKind {
    switch self {
    case .replay: .replay
    case .cancel: .cancel
    case .abandon: .abandon
    case .settle: .settle
    case .return: .return
    case .drop: .drop
    }
  }

  var actor: LetterActor {
    switch self {
    case .replay(let command): command.actor
    case .cancel(let command): command.actor
    case .abandon(let command): command.actor
    case .settle(let command): command.actor
    case .return(let command): command.actor
    case .drop(let command): command.actor
    }
  }

  /// The kind of broker message it is.
  var type: MessageType { kind.type }
}

extension RequestKind {
  var type: MessageType {
    switch self {
    case .replay: .deadLetterReplay
    case .cancel: .deadLetterCancel
    case .abandon: .deadLetterAbandon
    case .settle: .deadLetterSettle
    case .return: .poisonReturn
    case .drop: .poisonDrop
    }
  }
}
