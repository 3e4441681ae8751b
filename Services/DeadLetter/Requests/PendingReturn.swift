import AMQP
import Contracts
import Foundation
import Postgres

/// A poison message that is to lie in its queue again and that nobody has confirmed yet. Works within a transaction of its
/// caller.
struct PendingReturn: Sendable {
  var poisonID: EnvelopeID
  var queue: String
  /// The message, marked so that it is known again if its consumer still cannot work with it.
  var message: AMQPMessage

  /// The oldest that no other replica has in hand; locked until the end of the transaction.
  static func next(_ connection: PostgresConnection) async throws -> PendingReturn? {
    try await connection.query(
      """
      SELECT poison_id, queue, envelope_id, type, coalesce(returning_body, body) AS body,
        returning_body IS NOT NULL AS is_mended, times
      FROM dead_letter.poison WHERE state = 'retried' AND published_at IS NULL
      ORDER BY failed_at NULLS FIRST, closed_at LIMIT 1 FOR UPDATE SKIP LOCKED
      """
    ).first.map(PendingReturn.init)
  }

  private init(_ row: PostgresRow) throws {
    poisonID = EnvelopeID(try row.decode("poison_id"))
    queue = try row.decode("queue")
    let body: [UInt8] = try row.decode("body")
    let header = try row.decode("is_mended") ? try Wire.header(of: body) : nil
    message = AMQPMessage(
      body: body, messageID: try header?.id.description ?? row.decode("envelope_id", as: String?.self),
      type: try header?.type.rawValue ?? row.decode("type", as: String?.self),
      headers: [
        PoisonHeader.letterID: .string(poisonID.description),
        PoisonHeader.times: .int(Int64(try row.decode("times", as: Int.self))),
      ])
  }

  /// Lets all others go first the next time.
  func markFailed(_ connection: PostgresConnection) async throws {
    try await connection.query(
      "UPDATE dead_letter.poison SET failed_at = sluice.clock() WHERE poison_id = \(poisonID.uuid)")
  }

  /// Notes that it lies in its queue.
  /// - Returns: The request that asked for it.
  func markPublished(_ connection: PostgresConnection) async throws -> StoredRequest? {
    try await connection.query(
      "UPDATE dead_letter.poison SET published_at = sluice.clock() WHERE poison_id = \(poisonID.uuid)")
    return try await end(result: "returned", connection)
  }

  /// Takes it back: there is no such queue any more.
  func refuse(_ connection: PostgresConnection) async throws -> StoredRequest? {
    try await connection.query(
      """
      UPDATE dead_letter.poison SET state = 'pending', closed_at = NULL, returning_body = NULL
      WHERE poison_id = \(poisonID.uuid)
      """)
    return try await end(result: RequestResults.refusal + "no_queue", connection)
  }

  private func end(result: String, _ connection: PostgresConnection) async throws -> StoredRequest? {
    let request = try await connection.query(
      """
      UPDATE dead_letter.request_letters rl SET result = \(result), ended_at = sluice.clock()
      FROM dead_letter.requests r
      WHERE rl.letter_id = \(poisonID.uuid) AND rl.ended_at IS NULL AND r.request_id = rl.request_id
        AND r.kind = 'return'
      RETURNING rl.request_id
      """
    ).first.map { EnvelopeID(try $0.decode("request_id", as: UUID.self)) }
    guard let request else { return nil }
    try await connection.query(
      """
      UPDATE dead_letter.requests SET answered_at = sluice.clock(), ended_at = sluice.clock()
      WHERE request_id = \(request.uuid)
      """)
    return try await StoredRequest.load(request, connection)
  }
}
