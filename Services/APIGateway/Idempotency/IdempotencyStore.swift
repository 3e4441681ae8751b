import Contracts
import Foundation
import Postgres

/// Idempotency keys in PostgreSQL, which decides between requests and replicas that come at once.
struct IdempotencyStore: Sendable {
  let pool: PostgresPool

  /// Longer than any request takes: who claimed a key so long ago and has no answer will not publish any more.
  static let claim = Duration.seconds(5)

  /// Claims the key if nobody has, or if who has gave no answer in time.
  /// - Returns: What is known of it now; `nil` when it changed hands too often meanwhile.
  func claim(_ request: KeyedRequest, at now: Timestamp) async throws -> KeyRecord? {
    // A row that came after the statement had begun conflicts and is not seen; the next statement sees it.
    for _ in 0..<3 {
      if let record = try await claimOnce(request, at: now) { return record }
    }
    return nil
  }

  private func claimOnce(_ request: KeyedRequest, at now: Timestamp) async throws -> KeyRecord? {
    try await pool.query(
      """
      WITH claimed AS (
        INSERT INTO accounts.idempotency_keys AS k
          (user_id, key_hash, body_hash, message_id, accepted_at, in_flight_until)
        VALUES (\(request.userID.uuid), \(request.keyHash), \(request.bodyHash), \(request.messageID.uuid), \(now.date),
          sluice.clock() + \(Int(Self.claim.inSeconds)) * interval '1 second')
        ON CONFLICT (user_id, key_hash) DO UPDATE SET in_flight_until = excluded.in_flight_until
          WHERE k.answer IS NULL AND k.body_hash = excluded.body_hash AND k.in_flight_until <= sluice.clock()
        RETURNING k.body_hash, k.accepted_at, k.status, k.answer, k.in_flight_until
      ), found AS (
        SELECT true AS is_claimed, * FROM claimed
        UNION ALL
        SELECT false, body_hash, accepted_at, status, answer, in_flight_until FROM accounts.idempotency_keys
        WHERE user_id = \(request.userID.uuid) AND key_hash = \(request.keyHash) AND NOT EXISTS (SELECT FROM claimed)
      )
      SELECT is_claimed, body_hash, accepted_at, status, answer,
        extract(epoch FROM in_flight_until - sluice.clock())::float8 AS seconds_left
      FROM found
      """
    ).first.map(KeyRecord.init)
  }

  /// Whether a request with this key and body was taken before.
  func isKnown(_ request: KeyedRequest) async throws -> Bool {
    try await pool.query(
      """
      SELECT FROM accounts.idempotency_keys
      WHERE user_id = \(request.userID.uuid) AND key_hash = \(request.keyHash) AND body_hash = \(request.bodyHash)
      """
    ).count > 0
  }

  /// Keeps the first answer.
  func store(_ answer: KeyRecord.Answer, to request: KeyedRequest) async throws {
    try await pool.query(
      """
      UPDATE accounts.idempotency_keys SET status = \(answer.status), answer = \(answer.bytes)
      WHERE user_id = \(request.userID.uuid) AND key_hash = \(request.keyHash) AND body_hash = \(request.bodyHash)
        AND answer IS NULL
      """)
  }

  /// Lets the next repeat publish at once. Should another one be at it already, both publish the same id.
  func release(_ request: KeyedRequest) async throws {
    try await pool.query(
      """
      UPDATE accounts.idempotency_keys SET in_flight_until = sluice.clock()
      WHERE user_id = \(request.userID.uuid) AND key_hash = \(request.keyHash) AND body_hash = \(request.bodyHash)
        AND answer IS NULL
      """)
  }

  /// Drops keys of so many days ago, at most so many of them. Any number of replicas may do so at once.
  /// - Returns: How many.
  func drop(afterDays days: Int, limit: Int) async throws -> Int {
    try await pool.query(
      """
      DELETE FROM accounts.idempotency_keys k USING (
        SELECT user_id, key_hash FROM accounts.idempotency_keys
        WHERE created_at < \(PostgresQuery.time(ago: .seconds(days * 86_400)))
        ORDER BY created_at LIMIT \(limit) FOR UPDATE SKIP LOCKED
      ) old WHERE k.user_id = old.user_id AND k.key_hash = old.key_hash
      """
    ).affected
  }
}

extension KeyRecord {
  init(_ row: PostgresRow) throws {
    let status: Int? = try row.decode("status")
    let answer: [UInt8]? = try row.decode("answer")
    self.init(
      isClaimed: try row.decode("is_claimed"), bodyHash: try row.decode("body_hash"),
      acceptedAt: Timestamp(try row.decode("accepted_at", as: Date.self)),
      answer: status.flatMap { status in answer.map { Answer(status: status, bytes: $0) } },
      secondsLeft: try row.decode("seconds_left"))
  }
}
