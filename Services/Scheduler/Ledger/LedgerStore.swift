import Contracts
import Postgres

/// The scheduler's own count of what is queued and not finished, as of a cut through its facts.
///
/// The leader's loop runs one transaction after another, so a mark between two of them, and a snapshot before the next,
/// hold the same: the facts up to the mark tell of just what the snapshot shows. Retention works beside the loop; it
/// removes finished messages only, which are not counted.
struct LedgerStore: Sendable {
  var term: LeaderTerm
  /// For the snapshot: its statements may take as long as a large backlog needs.
  var pool: PostgresPool

  /// A mark in its transaction, in order with all other facts.
  struct Marked: Sendable {
    var mark: EnvelopeID
    var outbox: [OutboxEntry]
  }

  /// Marks a place in the log.
  func mark() async throws -> Marked {
    try await term.transaction { connection, now in
      let mark = EnvelopeID.timeOrdered()
      var facts = Outbox.Draft()
      try facts.add(LedgerMarked(mark: mark, markedAt: now), at: now)
      return Marked(mark: mark, outbox: try await Outbox.insert(facts, connection))
    }
  }

  /// Counts in a snapshot of its own.
  /// - Parameters:
  ///   - mark: Called when there is a connection and no snapshot yet, for the mark that it counts as of; `nil` ends it.
  ///   - onSnapshot: Called when the snapshot has been taken and nothing counted yet; false ends it there.
  /// - Returns: `nil` when it was ended.
  /// - Throws: `StoreError.deposed` when another leader may have changed what the snapshot shows; `PostgresError`.
  func count(
    marking mark: @Sendable () async throws -> EnvelopeID?, onSnapshot: @Sendable () async throws -> Bool
  ) async throws -> LedgerCounted? {
    let epoch = term.epoch
    return try await pool.withTransaction { connection in
      try await connection.execute(script: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
      guard let mark = try await mark() else { return nil }
      // The first statement takes the snapshot.
      let row = try await connection.query("SELECT 1 AS one FROM scheduler.leadership WHERE epoch = \(epoch)").first
      guard row != nil else { throw StoreError.deposed }
      guard try await onSnapshot() else { return nil }
      return LedgerCounted(mark: mark, buckets: try await Self.buckets(connection))
    }
  }

  private static func buckets(_ connection: PostgresConnection) async throws -> [LedgerCounted.Bucket] {
    let bucket = LedgerBucket.sql("message_id")
    var buckets: [Int: LedgerCounted.Bucket] = [:]
    // What was never dispatched has no row: it is what the cursor has not passed. A cut moves the cursor to the end and
    // counts what it cut off.
    for row in try await connection.query(
      """
      SELECT \(unsafeRaw: bucket) AS bucket, count(*) AS messages, sum(total - cursor)::bigint AS pending,
        sum(sent)::bigint AS sent, sum(failed)::bigint AS failed, sum(dead)::bigint AS dead,
        sum(expired)::bigint AS expired, sum(cancelled)::bigint AS cancelled, sum(unconfirmed)::bigint AS unconfirmed
      FROM scheduler.messages WHERE finished_at IS NULL GROUP BY 1
      """)
    {
      var counts = try UnitCounts(row)
      counts.pending = try row.decode("pending")
      let number: Int = try row.decode("bucket")
      buckets[number] = LedgerCounted.Bucket(
        bucket: number, messages: try row.decode("messages"), counts: counts)
    }
    for row in try await connection.query(
      """
      SELECT \(unsafeRaw: bucket) AS bucket, count(*) FILTER (WHERE state = 'pending') AS pending,
        count(*) FILTER (WHERE state = 'sending') AS sending, count(*) FILTER (WHERE state = 'retrying') AS retrying
      FROM scheduler.units WHERE state IN ('pending', 'sending', 'retrying') GROUP BY 1
      """)
    {
      let number: Int = try row.decode("bucket")
      // A unit of a message that is not counted would be an error of ours; it must show.
      var entry = buckets[number] ?? LedgerCounted.Bucket(bucket: number, messages: 0, counts: UnitCounts())
      entry.counts.pending += try row.decode("pending", as: Int.self)
      entry.counts.sending = try row.decode("sending")
      entry.counts.retrying = try row.decode("retrying")
      buckets[number] = entry
    }
    return buckets.values.sorted { $0.bucket < $1.bucket }
  }
}
