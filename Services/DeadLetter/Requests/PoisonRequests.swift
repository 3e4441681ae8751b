import Contracts
import Foundation
import Postgres

/// Gives poison messages back to their queues, or gives them up. Works within a transaction of its caller.
struct PoisonRequests: Sendable {
  var connection: PostgresConnection

  /// Lets the relay publish a message to the queue it came from, as it was or mended.
  func giveBack(_ draft: RequestDraft, _ id: EnvelopeID, mended: [UInt8]?) async throws {
    guard let message = try await pending(draft, id) else { return }
    let queue: String = try message.decode("queue")
    guard MessageType.allCases.contains(where: { $0.belongs(in: queue) }) else {
      return try await draft.refuse("no_queue", connection)
    }
    if let mended {
      do {
        try Wire.check(mended, for: queue)
      } catch is WireError {
        return try await draft.refuse("invalid_body", connection)
      }
    }
    try await connection.query(
      """
      UPDATE dead_letter.poison
      SET state = 'retried', closed_at = sluice.clock(), returning_body = \(mended), published_at = NULL
      WHERE poison_id = \(id.uuid)
      """)
    try await note(draft, id, result: nil)
  }

  func drop(_ draft: RequestDraft, _ id: EnvelopeID) async throws {
    guard try await pending(draft, id) != nil else { return }
    try await connection.query(
      "UPDATE dead_letter.poison SET state = 'abandoned', closed_at = sluice.clock() WHERE poison_id = \(id.uuid)")
    try await note(draft, id, result: "dropped")
    try await connection.query(
      """
      UPDATE dead_letter.requests SET answered_at = sluice.clock(), ended_at = sluice.clock()
      WHERE request_id = \(draft.id.uuid)
      """)
  }

  private func pending(_ draft: RequestDraft, _ id: EnvelopeID) async throws -> PostgresRow? {
    let row = try await connection.query(
      "SELECT queue, state FROM dead_letter.poison WHERE poison_id = \(id.uuid) FOR UPDATE"
    ).first
    guard let row else {
      try await draft.refuse("not_found", connection)
      return nil
    }
    if try row.decode("state", as: String.self) == LetterState.pending.rawValue { return row }
    try await draft.refuse("not_pending", connection)
    return nil
  }

  private func note(_ draft: RequestDraft, _ id: EnvelopeID, result: String?) async throws {
    try await connection.query(
      """
      INSERT INTO dead_letter.request_letters (request_id, letter_id, chunk, dispatch, result, ended_at)
      VALUES (\(draft.id.uuid), \(id.uuid), 0, 0, \(result),
        CASE WHEN \(result) IS NOT NULL THEN sluice.clock() END)
      """)
    try await connection.query(
      "UPDATE dead_letter.requests SET letters = 1 WHERE request_id = \(draft.id.uuid)")
  }
}
