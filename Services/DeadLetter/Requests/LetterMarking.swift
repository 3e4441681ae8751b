import Contracts
import Foundation
import Postgres

/// Chooses letters for a request and marks them, in statements that each take well less than their time limit. Works
/// within a transaction of its caller.
struct LetterMarking: Sendable {
  var draft: RequestDraft
  var choice: LetterChoice
  /// Letters of one order, at most.
  var chunk: Int
  /// How many orders they make.
  private(set) var orders = 0
  private(set) var letters = 0
  private(set) var segments = 0
  private var place: LetterChoice.Place?
  /// Bytes that all orders so far are filled with, a short letter counting as its part of an order.
  private var filled = 0

  /// Bytes of one order, but for its last letter, which may reach beyond. Far below what a broker takes.
  static let orderBytes = 512 * 1024

  /// Letters of one statement; whole chunks of every kind.
  private static let step = 8_192

  init(draft: RequestDraft, choice: LetterChoice, chunk: Int) {
    self.draft = draft
    self.choice = choice
    self.chunk = chunk
  }

  /// - Returns: Whether there may be more.
  mutating func step(_ connection: PostgresConnection) async throws -> Bool {
    let limit = min(Self.step, choice.limit - letters)
    guard limit > 0 else { return false }
    let isReplay = draft.kind == .replay
    let marking: PostgresQuery =
      isReplay
      ? """
      marked AS (
        UPDATE dead_letter.letters l SET state = 'replaying', replay_id = \(draft.id.uuid)
        FROM chosen c WHERE l.letter_id = c.letter_id),
      """ : ""
    let bytes = isReplay ? PendingOrder.bytes : "0"
    let row = try await connection.query(
      """
      WITH \(choice.tables(after: place, limit: limit, bytes: bytes)),
      weighed AS (
        SELECT *, least(greatest(bytes, \(Self.orderBytes / chunk)), \(Self.orderBytes)) AS weight FROM locked),
      chosen AS (
        SELECT letter_id, dispatch, segments, created_at, weight,
          ((\(filled) + sum(weight) OVER (ORDER BY created_at, letter_id)::bigint - weight)
            / \(Self.orderBytes))::integer AS chunk
        FROM weighed),
      \(marking)
      noted AS (
        INSERT INTO dead_letter.request_letters (request_id, letter_id, chunk, dispatch)
        SELECT \(draft.id.uuid), letter_id, chunk, dispatch FROM chosen)
      SELECT count(*) AS letters, coalesce(sum(weight), 0)::bigint AS weight, max(chunk) + 1 AS orders, coalesce(sum(segments), 0)::bigint AS segments,
        (SELECT count(*) FROM found) AS found, (SELECT max(created_at)::text FROM found) AS last_at,
        (SELECT letter_id FROM found ORDER BY created_at DESC, letter_id DESC LIMIT 1) AS last_id
      FROM chosen
      """
    ).first
    guard let row, let lastAt: String = try row.decode("last_at"), let lastID: UUID = try row.decode("last_id") else {
      return false
    }
    filled += try row.decode("weight", as: Int.self)
    orders = try row.decode("orders", as: Int?.self) ?? orders
    letters += try row.decode("letters", as: Int.self)
    segments += try row.decode("segments", as: Int.self)
    place = LetterChoice.Place(at: lastAt, id: lastID)
    return try row.decode("found", as: Int.self) == limit
  }
}
