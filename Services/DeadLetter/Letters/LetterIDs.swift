import Contracts

/// Identifiers that follow from what caused them, so that a repeat finds what the first time made.
enum LetterIDs {
  /// The letter that is opened by a death: the same event twice is one letter.
  static func letter(_ unit: UnitID, dispatch: Int) -> EnvelopeID {
    derived("letter", AttemptID(unit: unit, dispatch: dispatch).description)
  }

  /// The fact that this service publishes because of a broker message.
  static func fact(_ type: MessageType, causedBy id: EnvelopeID) -> EnvelopeID {
    derived(type.rawValue, id.description)
  }

  /// The command to the scheduler for one part of a request.
  static func order(_ request: EnvelopeID, chunk: Int) -> EnvelopeID {
    derived("order", request.description, "\(chunk)")
  }

  private static func derived(_ parts: String...) -> EnvelopeID { .derived(from: parts.map { Array($0.utf8) }) }
}
