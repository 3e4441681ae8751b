/// What became of units that lay in the dead letters, so that their letters close. From the scheduler.
public struct LettersClosed: Payload {
  public static let type = MessageType.letterClosed

  public struct Entry: Codable, Sendable, Hashable {
    public var unit: UnitID
    /// The death that the letter was opened for.
    public var dispatch: Int
    /// The unit's state now.
    public var state: UnitState
    /// Why: `late_answer`, `replayed`, `retry_failed`, `abandoned`, `settled`.
    public var reason: String

    public init(unit: UnitID, dispatch: Int, state: UnitState, reason: String) {
      self.unit = unit
      self.dispatch = dispatch
      self.state = state
      self.reason = reason
    }
  }

  public var letters: [Entry]

  public init(letters: [Entry]) { self.letters = letters }
}

/// How units ended that had been replayed from their letters. From the scheduler.
public struct LettersFinished: Payload {
  public static let type = MessageType.letterFinished

  public struct Entry: Codable, Sendable, Hashable {
    public var unit: UnitID
    /// The death that the letter was opened for.
    public var dispatch: Int
    /// The unit's final state.
    public var state: UnitState
    /// True when the replay was cancelled before anything of the unit went: it is `dead` or `unconfirmed` as before.
    public var takenBack: Bool?

    public init(unit: UnitID, dispatch: Int, state: UnitState, takenBack: Bool? = nil) {
      self.unit = unit
      self.dispatch = dispatch
      self.state = state
      self.takenBack = takenBack
    }

    enum CodingKeys: String, CodingKey {
      case unit, dispatch, state
      case takenBack = "taken_back"
    }
  }

  public var letters: [Entry]

  public init(letters: [Entry]) { self.letters = letters }
}

/// Letters that the dead-letter service has stored.
public struct LettersOpened: Payload {
  public static let type = MessageType.letterOpened

  public struct Entry: Codable, Sendable, Hashable {
    public var letterID: EnvelopeID
    public var unit: UnitID
    public var dispatch: Int
    public var errorType: String

    public init(letterID: EnvelopeID, unit: UnitID, dispatch: Int, errorType: String) {
      self.letterID = letterID
      self.unit = unit
      self.dispatch = dispatch
      self.errorType = errorType
    }

    enum CodingKeys: String, CodingKey {
      case letterID = "letter_id"
      case unit, dispatch
      case errorType = "error_type"
    }
  }

  public var letters: [Entry]

  public init(letters: [Entry]) { self.letters = letters }
}
