import Contracts

/// How units ended that had been replayed from their letters. From the scheduler.
struct LettersFinished: Payload {
  static let type = MessageType.letterFinished

  struct Entry: Codable, Sendable, Hashable {
    var unit: UnitID
    /// The death that the letter was opened for.
    var dispatch: Int
    /// The unit's final state.
    var state: UnitState
  }

  var letters: [Entry]
}
