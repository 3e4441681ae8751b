import Contracts
import Foundation
import Postgres

/// What the scheduler says of the letter of one death.
struct LetterNews: Sendable {
  var death: AttemptID
  var state: LetterState
  var unitState: UnitState
  var reason: String?

  /// The reason of a replay's end that was none: it was cancelled before anything of it went.
  static let takenBack = "taken_back"

  /// A table expression `given` of these. At most one for each unit.
  static func given(_ news: [LetterNews]) -> PostgresQuery {
    """
    given (message_id, unit_index, dispatch, state, unit_state, reason) AS (
      SELECT message_id, unit_index::integer, dispatch::integer, state, unit_state, reason FROM unnest(
        \(news.map(\.death.messageID.uuid)), \(news.map(\.death.index)), \(news.map(\.death.dispatch)),
        \(news.map(\.state.rawValue)), \(news.map(\.unitState.rawValue)), \(news.map { $0.reason?.storable })
      ) AS n (message_id, unit_index, dispatch, state, unit_state, reason))
    """
  }
}

extension AttemptID {
  /// From the columns of a letter's death.
  init(_ row: PostgresRow) throws {
    self.init(
      messageID: MessageID(try row.decode("message_id", as: UUID.self)), index: try row.decode("unit_index"),
      dispatch: try row.decode("dispatch"))
  }
}

extension Array {
  /// The elements in the order they have, in as few runs as it takes to have each key once in a run.
  func rounds<Key: Hashable>(by key: (Element) -> Key) -> [[Element]] {
    var rounds: [[Element]] = []
    var counts: [Key: Int] = [:]
    for element in self {
      let round = counts[key(element), default: 0]
      counts[key(element)] = round + 1
      if round == rounds.count { rounds.append([]) }
      rounds[round].append(element)
    }
    return rounds
  }
}
