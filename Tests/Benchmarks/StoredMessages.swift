import Foundation
import Postgres
import TestSupport

/// Messages written straight into the tables of the projector and of the scheduler.
struct StoredMessages {
  let stack: Stack
  /// Whose all that is final is, and one of the flows.
  let user: UUID
  /// SMS of each message that is final.
  var recipients = 10

  /// SMS that failed of every tenth.
  private var failed: Int { recipients > 3 ? 3 : 1 }

  /// An id for each number, with a time long ago.
  private static func id(_ number: String) -> String {
    "('01900000-0000-7000-8000-' || lpad(to_hex(\(number)), 12, '0'))::uuid"
  }

  /// An id that is queued: numbers of those are from here on.
  private static let firstQueued = 1 << 40

  static func id(stored number: Int) -> String { text(number) }
  static func id(queued number: Int) -> String { text(firstQueued + number) }

  private static func text(_ number: Int) -> String {
    let hex = String(number, radix: 16)
    return "01900000-0000-7000-8000-" + String(repeating: "0", count: 12 - hex.count) + hex
  }

  /// Adds messages that are final: nine of ten sent, the others in part failed.
  func addFinal(_ messages: Int) async throws {
    for from in stride(from: 0, to: messages, by: 20_000) {
      let last = min(from + 20_000, messages) - 1
      try await stack.query(
        """
        INSERT INTO projection.messages (message_id, user_id, class, content, reference, segments, encoding,
          recipient_count, first_phone, accepted_at, dispatched, sent, failed, sent_at, changed_at, finished_at)
        SELECT \(unsafeRaw: Self.id("i")), \(user), CASE WHEN i % 3 = 0 THEN 'bulk' ELSE 'normal' END, 'Benchmark',
          'r' || i / 10, 1, 'gsm7', \(recipients), '+85251000000', t, \(recipients),
          \(recipients) - CASE WHEN i % 10 = 0 THEN \(failed) ELSE 0 END, CASE WHEN i % 10 = 0 THEN \(failed) ELSE 0 END, t,
          t, t
        FROM generate_series(\(from)::bigint, \(last)) AS i,
          LATERAL (SELECT now() - interval '2 days' + i * interval '100 ms' AS t) AS x
        """)
      try await stack.query(
        """
        INSERT INTO projection.recipients (message_id, unit_index, phone, version, state, provider, changed_at,
          detail_version, attempts_used, sent_at)
        SELECT \(unsafeRaw: Self.id("i")), u, '+852' || 51000000 + (i * \(recipients) + u) % 8000000, 6,
          CASE WHEN i % 10 = 0 AND u < \(failed) THEN 'failed' ELSE 'sent' END, 'p', now(), 6, 0, now()
        FROM generate_series(\(from)::bigint, \(last)) AS i, generate_series(0, \(recipients - 1)) AS u
        """)
    }
  }

  /// Adds messages of one SMS that wait, numbered from `first` on, spread evenly over so many flows.
  func addQueued(_ range: Range<Int>, flows: Int) async throws {
    try await stack.query(
      """
      INSERT INTO scheduler.flows (class, user_id, weight, next_number)
      SELECT 'normal', CASE WHEN i = 0 THEN \(user) ELSE \(unsafeRaw: Self.id("i")) END, 1, \(range.upperBound)
      FROM generate_series(0::bigint, \(flows - 1)) AS i
      ON CONFLICT (class, user_id, provider) DO UPDATE SET next_number = excluded.next_number
      """)
    for from in stride(from: range.lowerBound, to: range.upperBound, by: 20_000) {
      let last = min(from + 20_000, range.upperBound) - 1
      try await stack.query(
        """
        WITH f AS (SELECT flow_id, row_number() OVER (ORDER BY flow_id) - 1 AS place FROM scheduler.flows)
        INSERT INTO scheduler.messages (message_id, flow_id, first_number, content, recipients, total, segments,
          encoding, accepted_at, queued_at)
        SELECT \(unsafeRaw: Self.id("\(Self.firstQueued) + i")), f.flow_id, i / \(flows), 'Benchmark',
          ARRAY['+852' || 51000000 + i % 8000000], 1, 1, 'gsm7', now() - interval '1 hour' + i * interval '3 ms', now()
        FROM generate_series(\(from)::bigint, \(last)) AS i JOIN f ON f.place = i % \(flows)
        """)
      try await stack.query(
        """
        WITH added AS (
          INSERT INTO projection.messages (message_id, user_id, class, content, segments, encoding, recipient_count,
            first_phone, accepted_at, flow_id, first_number, pending)
          SELECT m.message_id, f.user_id, f.class, m.content, 1, 'gsm7', 1, m.recipients[1], m.accepted_at, f.flow_id,
            m.first_number, 1
          FROM generate_series(\(from)::bigint, \(last)) AS i
          JOIN scheduler.messages m ON m.message_id = \(unsafeRaw: Self.id("\(Self.firstQueued) + i"))
          JOIN scheduler.flows f USING (flow_id)
          RETURNING message_id, first_phone)
        INSERT INTO projection.recipients (message_id, unit_index, phone, version, state, changed_at)
        SELECT message_id, 0, first_phone, 0, 'pending', now() FROM added
        """)
    }
  }

  /// As autovacuum does in time.
  func settle() async throws {
    try await stack.database().withConnection { connection in
      try await connection.execute(script: "SET statement_timeout = 0")
      for table in ["projection.messages", "projection.recipients", "scheduler.messages", "scheduler.flows"] {
        try await connection.execute(script: "VACUUM ANALYZE \(table)", timeout: .seconds(600))
      }
      try await connection.execute(script: "CHECKPOINT", timeout: .seconds(600))
      try await connection.execute(script: "RESET statement_timeout")
    }
  }
}
