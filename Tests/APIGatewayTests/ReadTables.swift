import Contracts
import Foundation
import Logging
import Postgres
import TestSupport

@testable import APIGateway

/// Tables in the place of the projector's views, for tests that fill them by hand.
enum ReadTables {
  static let script = """
    CREATE SCHEMA IF NOT EXISTS sluice;
    CREATE OR REPLACE FUNCTION sluice.clock() RETURNS timestamptz LANGUAGE sql VOLATILE
      AS 'SELECT pg_catalog.clock_timestamp()';
    CREATE SCHEMA IF NOT EXISTS accounts;
    DROP SCHEMA IF EXISTS projection CASCADE;
    CREATE SCHEMA projection;
    CREATE TABLE projection.messages_read (
      message_id uuid PRIMARY KEY, user_id uuid, class text, content text, reference text, provider text, segments int,
      encoding text, recipient_count int, first_phone text, accepted_at timestamptz, send_at timestamptz,
      expires_at timestamptz, flow_id bigint, first_number bigint, dispatched int, pending int, sending int,
      retrying int, sent int, failed int, dead int, expired int, cancelled int, unconfirmed int, job_status text,
      paused boolean, sent_at timestamptz, completed_at timestamptz, last_reply_status int, last_reply_body text,
      is_open boolean GENERATED ALWAYS AS (job_status IN ('pending', 'sending')) STORED,
      has_unsent boolean GENERATED ALWAYS AS (failed + dead + expired + cancelled + unconfirmed > 0) STORED,
      providers text[], user_paused boolean NOT NULL DEFAULT false);
    CREATE VIEW projection.totals_read AS
      SELECT user_id, count(*) AS messages, \(statusCounts),
        coalesce(sum(pending), 0) AS pending, coalesce(sum(retrying), 0) AS retrying,
        min(accepted_at) FILTER (WHERE pending + retrying > 0) AS oldest_pending_at
      FROM projection.messages_read GROUP BY GROUPING SETS ((user_id), ());
    CREATE TABLE projection.flows_read (flow_id bigint, class text, user_id uuid, providers text[]);
    CREATE TABLE projection.recipients_read (
      message_id uuid, unit_index int, phone text, state text, attempts_used int, provider text, error_code text,
      error_message text, sent_at timestamptz, changed_at timestamptz, may_be_duplicate boolean NOT NULL DEFAULT false,
      due_at timestamptz);
    CREATE TABLE projection.attempts_read (
      message_id uuid, unit_index int, dispatch int, provider text, outcome text, reply_status int, reply_body text,
      error_code text, started_at timestamptz, finished_at timestamptz);
    CREATE TABLE projection.throughput_read (minute timestamptz, provider text, sent int, failed int);
    CREATE TABLE projection.ledger_read (kind text, since timestamptz, message_ids uuid[], is_error boolean);
    CREATE TABLE projection.ledger_comparison_read (marked_at timestamptz);
    INSERT INTO projection.ledger_comparison_read VALUES (now());
    CREATE TABLE projection.progress_read (log_offset bigint, log_time timestamptz, folded_at timestamptz);
    INSERT INTO projection.progress_read VALUES (0, now(), now());
    """

  private static let statusCounts = JobStatus.allCases.map {
    "count(*) FILTER (WHERE job_status = '\($0.rawValue)') AS \($0.rawValue)_messages"
  }.joined(separator: ", ")

  /// A message of `total` SMS of which the first `sent` are sent and the others wait.
  static func insert(
    _ id: MessageID, user: UserID, total: Int, sent: Int = 0, reference: String? = nil, into pool: PostgresPool
  ) async throws {
    var counts = UnitCounts()
    counts.sent = sent
    counts.pending = total - sent
    let acceptedAt = id.creationTime?.date ?? Date()
    let referenceValue: PostgresQuery = reference.map { "\($0)" } ?? "NULL"
    try await pool.query(
      """
      INSERT INTO projection.messages_read
      VALUES (\(id.uuid), \(user.uuid), 'normal', 'Hi', \(referenceValue), NULL, 1, 'gsm7', \(total)::int,
        '+85291234500', \(acceptedAt), NULL, NULL, 1, 0, \(sent)::int, \(counts.pending)::int, 0, 0, \(sent)::int, 0, 0,
        0, 0, 0, \(counts.jobStatus.rawValue), false, NULL, NULL, 200, 'OK from HKT')
      """)
    for index in 0..<total {
      try await pool.query(
        """
        INSERT INTO projection.recipients_read
        VALUES (\(id.uuid), \(index)::int, \("+852912345\(index < 10 ? "0" : "")\(index)"),
          \(index < sent ? "sent" : "pending"), 0, 'hkt', NULL, NULL, NULL, now())
        """)
    }
  }

  /// So many messages of one SMS, a second apart from `start` on. By number: every third is bulk, the others normal; every
  /// fifth failed, every seventh of the others waits, and the rest is sent, by `p`.
  static func insertMany(_ count: Int, user: UserID, from start: Timestamp, into pool: PostgresPool) async throws {
    try await pool.query(
      """
      WITH made AS (
        SELECT i, ('01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid AS id,
          CASE WHEN i % 5 = 0 THEN 'failed' WHEN i % 7 = 0 THEN 'pending' ELSE 'sent' END AS state,
          \(start.date) + i * interval '1 s' AS t, '+852' || 51000000 + i % 100 AS phone
        FROM generate_series(0, \(count - 1)) AS i),
      messages AS (
        INSERT INTO projection.messages_read
        SELECT id, \(user.uuid), CASE WHEN i % 3 = 0 THEN 'bulk' ELSE 'normal' END, 'Message number ' || i || '.',
          'r' || i / 10, NULL, 1, 'gsm7', 1, phone, t, NULL, NULL, 1, i, (state <> 'pending')::int,
          (state = 'pending')::int, 0, 0, (state = 'sent')::int, (state = 'failed')::int, 0, 0, 0, 0,
          CASE state WHEN 'sent' THEN 'completed' ELSE state END, false, NULL, NULL, NULL, NULL
        FROM made)
      INSERT INTO projection.recipients_read (message_id, unit_index, phone, state, attempts_used, provider, changed_at)
      SELECT id, 0, phone, state, 1, 'p', t FROM made
      """)
  }

  /// The id of such a message.
  static func id(_ number: Int) -> String {
    let hex = String(number, radix: 16)
    return "01900000-0000-7000-8000-" + String(repeating: "0", count: 12 - hex.count) + hex
  }

  /// The API over such tables, without a broker.
  static func run(
    settings: GatewaySettings = GatewaySettings(), _ body: @Sendable (GatewayFixture) async throws -> Void
  ) async throws {
    let database = try await PostgresCluster.shared().makeDatabase()
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let pool = PostgresPool(configuration: try PostgresConfiguration(url: database), logger: logger)
    try await pool.withConnection { try await $0.execute(script: script) }
    await pool.close()
    try await GatewayFixture.run(settings: settings, database: database) { try await body($0) }
  }
}
