import Foundation
import Postgres

extension RequestResults {
  /// The scheduler's word for a replay of which it has no SMS, neither waiting nor on its way.
  static let nothingToCancel = "nothing_to_cancel"

  /// Which letters of a cancelled replay nobody waits for any longer.
  enum Abandoned: Sendable {
    /// Those whose orders have never left.
    case unpublished
    /// Those whose orders the scheduler has not answered.
    case unanswered
    /// All whose end is not known.
    case open
  }

  /// Orders of one statement.
  private static let step = 32

  /// Gives letters of a replay back: they are pending again, and their orders are not published any more.
  /// - Returns: How many.
  func takeBack(_ replay: UUID, _ which: Abandoned) async throws -> Int {
    let orders: PostgresQuery =
      switch which {
      case .unpublished: "AND o.answered_at IS NULL AND o.published_at IS NULL"
      case .unanswered: "AND o.answered_at IS NULL"
      case .open: ""
      }
    // In the order in which all lock: letters, the request, its orders.
    try await connection.query(
      """
      SELECT FROM dead_letter.letters l JOIN dead_letter.request_letters rl USING (letter_id)
        JOIN dead_letter.orders o ON o.request_id = rl.request_id AND o.chunk = rl.chunk
      WHERE rl.request_id = \(replay) AND rl.ended_at IS NULL \(orders)
      ORDER BY l.created_at, l.letter_id FOR UPDATE OF l
      """)
    try await connection.query("SELECT FROM dead_letter.requests WHERE request_id = \(replay) FOR UPDATE")
    let chunks: [Int] = try await connection.query(
      """
      UPDATE dead_letter.orders o SET answered_at = coalesce(o.answered_at, sluice.clock())
      WHERE o.request_id = \(replay) \(orders) RETURNING o.chunk
      """
    ).map { try $0.decode("chunk") }
    var count = 0
    for start in stride(from: 0, to: chunks.count, by: Self.step) {
      count += try await connection.query(
        """
        WITH ended AS (
          UPDATE dead_letter.request_letters SET result = \(Self.takenBack), ended_at = sluice.clock()
          WHERE request_id = \(replay) AND chunk = ANY (\(Array(chunks[start..<min(start + Self.step, chunks.count)])))
            AND ended_at IS NULL
          RETURNING letter_id, dispatch)
        UPDATE dead_letter.letters l SET state = 'pending' FROM ended e
        WHERE l.letter_id = e.letter_id AND l.dispatch = e.dispatch AND l.state = 'replaying'
          AND l.replay_id = \(replay)
        """
      ).affected
    }
    try await end([replay])
    return count
  }
}
