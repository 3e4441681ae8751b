import Foundation
import Postgres
import TestSupport

/// Letters written straight into the table of the dead-letter service.
struct StoredLetters {
  let stack: Stack

  /// A user by number: 0 has half of all letters, the next 8,192 share the rest.
  static func user(_ number: Int) -> UUID { id(2, number) }
  static func message(_ letter: Int) -> UUID { id(1, letter / 10) }

  private static func id(_ kind: UInt8, _ number: Int) -> UUID {
    func byte(_ shift: Int) -> UInt8 { UInt8(truncatingIfNeeded: number >> shift) }
    return UUID(uuid: (kind, 0, 0, 0, 0, 0, 0x80, 0, 0x80, 0, 0, 0, byte(24), byte(16), byte(8), byte(0)))
  }

  private static func sql(_ kind: Int, _ number: String) -> String {
    "('0\(kind)000000-0000-8000-8000-' || lpad(to_hex(\(number)), 12, '0'))::uuid"
  }

  /// Of ten letters two are pending, over 80 days, ten of each message; thirty are of a kind of their own.
  func add(_ letters: Int) async throws {
    let spread = 80.0 * 86_400 / Double(letters)
    for from in stride(from: 0, to: letters, by: 20_000) {
      let last = min(from + 20_000, letters) - 1
      try await stack.query(
        """
        INSERT INTO dead_letter.letters (letter_id, state, unit_state, error_type, error_message, message_id, unit_index,
          dispatch, user_id, class, phone, content, segments, encoding, provider, retry_count, max_attempts, attempts,
          accepted_at, died_at, last_attempt_at, created_at, close_reason, closed_at)
        SELECT \(unsafeRaw: Self.sql(3, "i")), s, CASE WHEN e = 'unconfirmed' THEN 'unconfirmed' ELSE 'dead' END, e,
          'the provider did not answer', \(unsafeRaw: Self.sql(1, "i / 10")), i % 10, 4, u, 'normal',
          '+852' || 51000000 + i, 'Benchmark text of a letter', 1 + i % 2, 'gsm7', p, 5, 5,
          '[{"dispatch":0,"provider":"hkt","outcome":"retryable","finished_at":"2026-11-21T08:15:30.123456Z"}]',
          t, t, t, t, CASE WHEN o THEN NULL ELSE 'replayed' END, CASE WHEN o THEN NULL ELSE t END
        FROM generate_series(\(from)::bigint, \(last)) AS i, LATERAL (SELECT
          CASE WHEN i % 1000 < 3 THEN 'replaying' WHEN i % 5 = 0 THEN 'pending' WHEN i % 50 = 1 THEN 'abandoned'
            WHEN i % 40 = 2 THEN 'settled' ELSE 'retried' END AS s,
          CASE WHEN i < 30 THEN 'rare' ELSE (ARRAY['timeout', 'connection', 'throttled', 'rejected', 'unconfirmed',
            'provider_error', 'credentials'])[1 + (hashint8(i) & 1023) % 7] END AS e,
          CASE WHEN i < 30 THEN 'old' WHEN i % 100000 = 77 THEN NULL
            ELSE (ARRAY['hkt', 'provider1', 'provider2', 'provider3'])[1 + (hashint8(i + 7) & 1023) % 4] END AS p,
          CASE WHEN i % 2 = 0 THEN \(Self.user(0))
            ELSE \(unsafeRaw: Self.sql(2, "1 + (hashint8(i + 3) & 8191)")) END AS u,
          now() - interval '80 days' + i * \(spread) * interval '1 second' AS t) AS x,
          LATERAL (SELECT s IN ('pending', 'replaying') AS o) AS y
        """)
    }
  }

  /// As autovacuum does in time.
  func settle() async throws {
    try await stack.database().withConnection { connection in
      try await connection.execute(script: "SET statement_timeout = 0")
      try await connection.execute(script: "VACUUM ANALYZE dead_letter.letters", timeout: .seconds(600))
      try await connection.execute(script: "CHECKPOINT", timeout: .seconds(600))
      try await connection.execute(script: "RESET statement_timeout")
    }
  }
}
