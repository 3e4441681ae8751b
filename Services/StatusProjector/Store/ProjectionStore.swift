import Contracts
import Foundation
import Postgres
import ServiceKit

/// The read tables, written under one epoch of leadership.
struct ProjectionStore: Sendable {
  let pool: PostgresPool
  var schema = ProjectionSchema.live
  let epoch: Int64

  /// Where the tables stand.
  struct Position: Sendable, Equatable {
    /// The last offset of the log that is in them; `nil` before the first.
    var offset: UInt64?
    /// The scheduler's epoch of the stored heads; -1 for none.
    var queueEpoch: Int64
  }

  /// Another projector leads now: this one writes nothing more.
  struct Deposed: Error {}

  /// Where to go on.
  func position() async throws -> Position {
    let row = try await pool.query(
      """
      SELECT log_offset, coalesce((SELECT epoch FROM \(schema).queue), -1) AS queue_epoch FROM \(schema).progress
      """
    ).first
    guard let row else { return Position(offset: nil, queueEpoch: -1) }
    let offset: Int64? = try row.decode("log_offset")
    return Position(offset: offset.flatMap(UInt64.init(exactly:)), queueEpoch: try row.decode("queue_epoch"))
  }

  /// When the newest fact in the tables was said; `nil` before the first.
  func logTime() async throws -> Timestamp? {
    try await pool.query("SELECT log_time FROM \(schema).progress").first?.decode("log_time", as: Date?.self)
      .map(Timestamp.init)
  }

  /// Writes a batch and the offset it reaches in one transaction.
  /// - Throws: `Deposed`, or `PostgresError`. After any error the position must be read anew.
  func write(_ batch: FoldedBatch, upTo offset: UInt64) async throws {
    try await pool.withTransaction { connection in
      // First, since it holds off whoever wants to take over until this is committed.
      let advanced = try await connection.query(
        """
        WITH leader AS (SELECT FROM \(schema).leadership WHERE epoch = \(epoch) FOR SHARE)
        UPDATE \(schema).progress SET
          log_offset = \(Int64(clamping: offset)),
          log_time = least(greatest(log_time, \(batch.logTime?.date as Date?)), sluice.clock()),
          folded_at = sluice.clock()
        WHERE EXISTS (SELECT FROM leader)
        """)
      guard advanced.affected == 1 else { throw Deposed() }
      try await connection.query(Self.planning)
      for statement in batch.statements(in: schema) { try await connection.query(statement) }
      try await redactAgain(batch.messageIDs, connection)
      Failpoint.reach(.projectionUncommitted)
    }
    Failpoint.reach(.projectionCommitted)
  }
}

extension ProjectionStore {
  /// Rows are found by their keys, whatever the statistics say: a batch is small beside the tables. Plans are made for each
  /// batch, since only then is its size known; without it, two halves of a batch would be joined row by row.
  private static let planning: PostgresQuery = """
    SELECT set_config('enable_seqscan', 'off', true), set_config('enable_mergejoin', 'off', true),
      set_config('plan_cache_mode', 'force_custom_plan', true)
    """
}

extension FoldedBatch {
  /// What is to be done, in order. Rows of messages come first: the counts of the units go there.
  func statements(in schema: ProjectionSchema) -> [PostgresQuery] {
    [openMessages(in: schema), acceptMessages(in: schema), mergeUnits(in: schema)].compactMap { $0 }
      + cutStatements(in: schema) + pauseStatements(in: schema)
      + [mergeAttempts(in: schema)].compactMap { $0 } + queueStatements(in: schema)
      + ledgerStatements(in: schema)
  }
}
