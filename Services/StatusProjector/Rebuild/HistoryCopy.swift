import Contracts
import Foundation
import Postgres

/// Copies what the log cannot tell any more from the tables in use to the new ones.
///
/// Each step is one statement, so that a message comes with the recipients and attempts that belong to its counts. What is
/// copied and is in the log as well changes nothing when it is replayed.
struct HistoryCopy: Sendable {
  let pool: PostgresPool
  let source: ProjectionSchema
  let target: ProjectionSchema
  /// Messages accepted before are copied.
  let cutoff: Timestamp
  /// Throughput of minutes before this one is copied; from here on it follows from the attempts.
  let minute: Timestamp

  /// - Parameters:
  ///   - first: When the log's first fact was said.
  ///   - overlap: Messages accepted until so much later are copied, too.
  init(
    pool: PostgresPool, from source: ProjectionSchema, to target: ProjectionSchema, first: Timestamp, overlap: Duration
  ) {
    self.pool = pool
    self.source = source
    self.target = target
    cutoff = first + overlap
    minute = Timestamp(microseconds: first.microseconds - first.microseconds % 60_000_000)
  }

  /// What has one row per thing and is told anew now and then, or never again; the log's later words go over it.
  func copySmall() async throws {
    for table in ["user_pauses", "providers", "queue", "classes", "flows"] {
      let columns = try await columns(of: table)
      try await pool.query(
        """
        INSERT INTO \(target).\(unsafeRaw: table) (\(unsafeRaw: columns))
        SELECT \(unsafeRaw: columns) FROM \(source).\(unsafeRaw: table)
        """)
    }
    let columns = try await columns(of: "throughput")
    try await pool.query(
      """
      INSERT INTO \(target).throughput (\(unsafeRaw: columns))
      SELECT \(unsafeRaw: columns) FROM \(source).throughput WHERE minute < \(minute.date)
      """)
  }

  /// Copies all messages with what belongs to them, in batches of about 20,000 SMS.
  /// - Parameter progress: Told how many messages there are so far.
  /// - Returns: How many messages.
  func copyMessages(_ progress: (Int) -> Void) async throws -> Int {
    let tables = try await (columns(of: "messages"), columns(of: "recipients"), columns(of: "attempts"))
    var last = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    var count = 0
    while let step = try await copy(behind: last, tables) {
      last = step.last
      count += step.count
      progress(count)
    }
    return count
  }

  private func copy(
    behind last: UUID, _ columns: (messages: String, recipients: String, attempts: String)
  ) async throws -> (last: UUID, count: Int)? {
    try await pool.withTransaction { connection in
      // A batch may have to be looked for far.
      try await connection.execute(script: "SET LOCAL statement_timeout = '10min'")
      guard let step = try await copy(behind: last, columns, connection) else { return nil }
      try await recount(behind: last, upTo: step.last, connection)
      return step
    }
  }

  /// Makes the counts of copied messages those of their recipients, as the facts that follow will take them.
  private func recount(behind last: UUID, upTo end: UUID, _ connection: PostgresConnection) async throws {
    let states = UnitState.allCases.map(\.rawValue)
    let counted = states.map { "count(*) FILTER (WHERE state = '\($0)') AS \($0)" }.joined(separator: ", ")
    let own = states.map { "m.\($0)" }.joined(separator: ", ")
    let counts = states.map { "c.\($0)" }.joined(separator: ", ")
    let set = states.map { "\($0) = c.\($0)" }.joined(separator: ", ")
    try await connection.query(
      """
      UPDATE \(target).messages m SET \(unsafeRaw: set)
      FROM (
        SELECT message_id, \(unsafeRaw: counted) FROM \(target).recipients
        WHERE message_id > \(last) AND message_id <= \(end) GROUP BY message_id
      ) c
      WHERE c.message_id = m.message_id AND (\(unsafeRaw: own)) IS DISTINCT FROM (\(unsafeRaw: counts))
      """)
  }

  private func copy(
    behind last: UUID, _ columns: (messages: String, recipients: String, attempts: String),
    _ connection: PostgresConnection
  ) async throws -> (last: UUID, count: Int)? {
    let row = try await connection.query(
      """
      WITH picked AS (
        SELECT message_id FROM (
          SELECT message_id, sum(size) OVER (ORDER BY message_id) - size AS units_before FROM (
            SELECT message_id, coalesce(recipient_count, 1) AS size FROM \(source).messages
            WHERE message_id > \(last) AND (accepted_at < \(cutoff.date) OR accepted_at IS NULL OR redacted_at IS NOT NULL)
            ORDER BY message_id LIMIT 5000
          ) n
        ) s WHERE units_before < 20000
      ), m AS (
        INSERT INTO \(target).messages (\(unsafeRaw: columns.messages))
        SELECT \(unsafeRaw: columns.messages) FROM picked JOIN \(source).messages USING (message_id)
      ), r AS (
        INSERT INTO \(target).recipients (\(unsafeRaw: columns.recipients))
        SELECT \(unsafeRaw: columns.recipients) FROM picked JOIN \(source).recipients USING (message_id)
      ), a AS (
        INSERT INTO \(target).attempts (\(unsafeRaw: columns.attempts))
        SELECT \(unsafeRaw: columns.attempts) FROM picked JOIN \(source).attempts USING (message_id)
        RETURNING provider, outcome, finished_at
      ), t AS (
        INSERT INTO \(target).throughput AS t (minute, provider, sent, failed)
        SELECT date_trunc('minute', finished_at, 'UTC'), provider, count(*) FILTER (WHERE outcome = 'accepted'),
          count(*) FILTER (WHERE outcome <> 'accepted')
        FROM a WHERE outcome IN ('accepted', 'rejected', 'retryable', 'unknown') AND provider IS NOT NULL
          AND finished_at >= \(minute.date)
        GROUP BY 1, 2
        ON CONFLICT (minute, provider) DO UPDATE SET sent = t.sent + excluded.sent, failed = t.failed + excluded.failed
      )
      SELECT count(*) AS count, (array_agg(message_id ORDER BY message_id DESC))[1] AS last FROM picked
      """
    ).first
    guard let row, let last: UUID = try row.decode("last") else { return nil }
    return (last, try row.decode("count"))
  }

  /// The columns that both have and that are written, for a list.
  private func columns(of table: String) async throws -> String {
    let row = try await pool.query(
      """
      SELECT string_agg(quote_ident(n.attname), ', ' ORDER BY n.attnum) AS columns
      FROM pg_attribute n JOIN pg_attribute o USING (attname)
      WHERE n.attrelid = \("\(target.name).\(table)")::text::regclass
        AND o.attrelid = \("\(source.name).\(table)")::text::regclass
        AND n.attnum > 0 AND NOT n.attisdropped AND NOT o.attisdropped AND n.attgenerated = ''
      """
    ).first
    guard let columns: String = try row?.decode("columns") else { throw RebuildError.newerSchema }
    return columns
  }
}
