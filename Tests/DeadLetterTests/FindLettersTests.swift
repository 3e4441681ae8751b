import Contracts
import Foundation
import Postgres
import TestSupport
import Testing

@testable import DeadLetter

@Suite("Finding letters")
struct FindLettersTests {
  /// What is asked for; `nil` is not asked for.
  private struct Question: CustomStringConvertible {
    var status: String?
    var errorType: String?
    var provider: String?
    var user: UUID?
    var message: UUID?
    var from: Date?
    var to: Date?
    var before: (at: Date, id: UUID)?
    var limit: Int

    var description: String {
      "\(status ?? "-") \(errorType ?? "-") \(provider ?? "-") \(user != nil) \(message != nil) \(from != nil) \(to != nil) \(before != nil) \(limit)"
    }
  }

  private static let start = Date(timeIntervalSince1970: 1_795_000_000)

  private static func id(_ number: Int) -> UUID {
    UUID(uuid: (0, 0, 0, 0, 0, 0, 0x80, 0, 0x80, 0, 0, 0, 0, 0, UInt8(number >> 8), UInt8(number & 255)))
  }

  /// 600 letters of a few kinds, some at the same time, and 20 poison messages among them.
  private func fill(_ pool: PostgresPool) async throws {
    try await pool.query(
      """
      INSERT INTO dead_letter.letters (letter_id, state, unit_state, error_type, message_id, unit_index, dispatch,
        user_id, class, phone, content, segments, encoding, pinned_provider, provider, retry_count, max_attempts,
        attempts, accepted_at, died_at, created_at, closed_at)
      SELECT gen_random_uuid(), s, CASE WHEN i % 3 = 0 THEN 'unconfirmed' ELSE 'dead' END,
        (ARRAY['a', 'b', 'c', 'rare'])[CASE WHEN i % 97 = 0 THEN 4 ELSE 1 + i % 3 END],
        ('00000000-0000-8000-8000-00000000' || lpad(to_hex(i / 20), 4, '0'))::uuid, i % 20, 1,
        ('00000000-0000-8000-8000-00000000' || lpad(to_hex(i % 4), 4, '0'))::uuid, 'normal', '+85251000000', 'x',
        1 + i % 2, 'gsm7', CASE WHEN i % 5 = 0 THEN 'pin' END,
        CASE WHEN i % 11 > 0 THEN (ARRAY['hkt', 'one', 'two'])[1 + i / 7 % 3] END, 1, 5, '[]', t, t, t,
        CASE WHEN s IN ('retried', 'abandoned', 'settled') THEN t END
      FROM generate_series(0, 599) AS i, LATERAL (SELECT
        \(Self.start) + i / 2 * interval '1 minute' AS t,
        (ARRAY['pending', 'pending', 'replaying', 'retried', 'abandoned', 'settled'])[1 + i * 7 % 6] AS s) AS x
      """)
    try await pool.query(
      """
      INSERT INTO dead_letter.poison
        (poison_id, queue, exchange, routing_key, headers, body, error, received_at, last_received_at, state, closed_at)
      SELECT gen_random_uuid(), 'q', 'e', 'k', '{}', '', 'malformed', t, t, s, CASE WHEN s <> 'pending' THEN t END
      FROM generate_series(0, 19) AS i, LATERAL (SELECT \(Self.start) + i * interval '15 minutes' AS t,
        (ARRAY['pending', 'retried'])[1 + i % 2] AS s) AS x
      """)
  }

  private func question(_ random: inout SeededGenerator) -> Question {
    func maybe<Value>(_ value: @autoclosure () -> Value) -> Value? {
      Int.random(in: 0..<3, using: &random) == 0 ? value() : nil
    }
    func time() -> Date { Self.start.addingTimeInterval(Double(Int.random(in: -10...310, using: &random)) * 60) }
    return Question(
      status: maybe(["pending", "replaying", "retried", "abandoned", "settled"].randomElement(using: &random) ?? ""),
      errorType: maybe(["a", "b", "c", "rare", "none", "poison"].randomElement(using: &random) ?? ""),
      provider: maybe(["hkt", "one", "two", "none"].randomElement(using: &random) ?? ""),
      user: maybe(Self.id(.random(in: 0...4, using: &random))),
      message: Int.random(in: 0..<6, using: &random) == 0 ? Self.id(.random(in: 0...30, using: &random)) : nil,
      from: maybe(time()), to: maybe(time()), before: maybe((time(), UUID())),
      limit: Int.random(in: 1...60, using: &random))
  }

  @Test("by any combination of filters gives the newest that fit, as looking at every one does")
  func finds() async throws {
    try await withDatabase { pool in
      try await fill(pool)
      var random = SeededGenerator(seed: 7)
      for _ in 0..<400 {
        let q = question(&random)
        let found: [UUID] = try await pool.query(
          """
          SELECT id FROM dead_letter.find_letters(\(q.status), \(q.errorType), \(q.provider), \(q.user), \(q.message),
            \(q.from), \(q.to), \(q.before?.at), \(q.before?.id), \(q.limit)::integer)
          """
        ).map { try $0.decode("id") }
        let right: [UUID] = try await pool.query(
          """
          SELECT id FROM dead_letter.letters_read
          WHERE (\(q.status) IS NULL OR status = \(q.status))
            AND (\(q.errorType) IS NULL OR error_type = \(q.errorType))
            AND (\(q.provider) IS NULL OR provider = \(q.provider)) AND (\(q.user) IS NULL OR user_id = \(q.user))
            AND (\(q.message) IS NULL OR message_id = \(q.message))
            AND (\(q.from) IS NULL OR created_at >= \(q.from)) AND (\(q.to) IS NULL OR created_at < \(q.to))
            AND (\(q.before?.at) IS NULL OR (created_at, id) < (\(q.before?.at), \(q.before?.id)))
          ORDER BY created_at DESC, id DESC LIMIT \(q.limit)
          """
        ).map { try $0.decode("id") }
        #expect(found == right, "\(q)")
      }
    }
  }

  /// What requests name beyond a list's filter: one state, or letters one by one; or neither.
  private func choice(_ round: Int, _ pool: PostgresPool) async throws -> (unitState: String?, ids: [UUID]?) {
    let unitState = [nil, "dead", "unconfirmed"][round % 3]
    guard round % 5 == 0 else { return (unitState, nil) }
    let ids: [UUID] = try await pool.query("SELECT letter_id FROM dead_letter.letters ORDER BY random() LIMIT 100").map
    {
      try $0.decode("letter_id")
    }
    return (unitState, ids)
  }

  @Test("previews what a request would apply to, by user, pinned provider and allowed providers")
  func previews() async throws {
    try await withDatabase { pool in
      try await fill(pool)
      _ = try await pool.query("UPDATE dead_letter.letters SET providers = '{p1,p2}' WHERE random() < 0.3")
      var random = SeededGenerator(seed: 9)
      for round in 0..<300 {
        let q = question(&random)
        let (unitState, ids) = try await choice(round, pool)
        let found = try await pool.query(
          """
          SELECT user_id, coalesce(pinned_provider, '') AS pin,
            coalesce(array_to_string(providers, ','), '') AS allowed,
            letters, segments
          FROM dead_letter.preview_letters(
            \(ids), \(unitState), \(q.errorType), \(q.provider), \(q.user), \(q.message), \(q.from), \(q.to),
            \(q.limit)::integer) ORDER BY user_id, pin, allowed
          """)
        let right = try await pool.query(
          """
          SELECT user_id, coalesce(pinned_provider, '') AS pin,
            coalesce(array_to_string(providers, ','), '') AS allowed,
            count(*) AS letters, sum(segments)::bigint AS segments
          FROM (
            SELECT * FROM dead_letter.letters
            WHERE state = 'pending' AND (\(ids) IS NULL OR letter_id = ANY (\(ids)))
              AND (\(unitState) IS NULL OR unit_state = \(unitState))
              AND (\(q.errorType) IS NULL OR error_type = \(q.errorType))
              AND (\(q.provider) IS NULL OR provider = \(q.provider)) AND (\(q.user) IS NULL OR user_id = \(q.user))
              AND (\(q.message) IS NULL OR message_id = \(q.message))
              AND (\(q.from) IS NULL OR created_at >= \(q.from)) AND (\(q.to) IS NULL OR created_at < \(q.to))
            ORDER BY created_at, letter_id LIMIT \(q.limit)) l
          GROUP BY user_id, pin, allowed ORDER BY user_id, pin, allowed
          """)
        #expect(try found.map(Self.text) == right.map(Self.text), "\(q) \(unitState ?? "-") \(ids?.count ?? 0)")
      }
    }
  }

  @Test("chooses what a request applies to, page by page, as looking at every one does")
  func chooses() async throws {
    try await withDatabase { pool in
      try await fill(pool)
      var random = SeededGenerator(seed: 11)
      for round in 0..<300 {
        let q = question(&random)
        let (unitState, ids) = try await choice(round, pool)
        let found: [UUID] = try await pool.query(
          """
          SELECT letter_id FROM dead_letter.choose_letters(
            \(ids), \(unitState), \(q.errorType), \(q.provider), \(q.user), \(q.message), \(q.from), \(q.to),
            \(q.before?.at), \(q.before?.id), \(q.limit)::integer)
          """
        ).map { try $0.decode("letter_id") }
        let right: [UUID] = try await pool.query(
          """
          SELECT letter_id FROM dead_letter.letters
          WHERE state = 'pending' AND (\(ids) IS NULL OR letter_id = ANY (\(ids)))
            AND (\(unitState) IS NULL OR unit_state = \(unitState))
            AND (\(q.errorType) IS NULL OR error_type = \(q.errorType))
            AND (\(q.provider) IS NULL OR provider = \(q.provider)) AND (\(q.user) IS NULL OR user_id = \(q.user))
            AND (\(q.message) IS NULL OR message_id = \(q.message))
            AND (\(q.from) IS NULL OR created_at >= \(q.from)) AND (\(q.to) IS NULL OR created_at < \(q.to))
            AND (\(q.before?.at) IS NULL OR (created_at, letter_id) > (\(q.before?.at), \(q.before?.id)))
          ORDER BY created_at, letter_id LIMIT \(q.limit)
          """
        ).map { try $0.decode("letter_id") }
        #expect(found == right, "\(q) \(unitState ?? "-") \(ids?.count ?? 0)")
      }
    }
  }

  @Test("chooses few among many without a look at the others")
  func choosesFew() async throws {
    try await withDatabase { pool in
      try await pool.query(
        """
        INSERT INTO dead_letter.letters (letter_id, unit_state, error_type, message_id, unit_index, dispatch, user_id,
          class, phone, content, segments, encoding, provider, retry_count, max_attempts, attempts, accepted_at, died_at,
          created_at)
        SELECT gen_random_uuid(), 'dead', 'timeout', gen_random_uuid(), 0, 1,
          ('00000000-0000-8000-8000-00000000' || lpad(to_hex(i % 50), 4, '0'))::uuid, 'normal',
          '+85251000000', 'x', 1, 'gsm7', 'hkt', 1, 5, '[]', t, t, t
        FROM generate_series(1, 20000) AS i, LATERAL (SELECT \(Self.start) + i * interval '1 s' AS t) AS x
        """)
      // What is rare came last, so that the oldest first is the slowest way.
      try await pool.query(
        """
        UPDATE dead_letter.letters SET error_type = 'rare' WHERE letter_id IN (
          SELECT letter_id FROM dead_letter.letters ORDER BY created_at DESC LIMIT 3)
        """)
      try await pool.withConnection { try await $0.execute(script: "VACUUM ANALYZE dead_letter.letters") }
      for (selection, count) in [
        (LetterSelection(errorType: "rare"), 3), (LetterSelection(provider: "none"), 0),
        (LetterSelection(userID: .timeOrdered()), 0), (LetterSelection(errorType: "rare", limit: 2), 2),
      ] {
        let choice = LetterChoice(selection)
        let blocks = try await pool.withTransaction { connection in
          // What this statement reads, as the planner's own report has it; the first time it reads the catalogue, too.
          let question: PostgresQuery = """
            EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
            WITH \(choice.tables(after: nil, limit: min(8_192, choice.limit))) SELECT count(*) FROM locked
            """
          _ = try await connection.query(question)
          let plan = try await connection.query(question).first?.decode("QUERY PLAN", as: String.self) ?? ""
          return try #require(plan.firstMatch(of: /"Shared Hit Blocks": (\d+)/).flatMap { Int($0.1) })
            + (plan.firstMatch(of: /"Shared Read Blocks": (\d+)/).flatMap { Int($0.1) } ?? 0)
        }
        #expect(blocks < 200, "\(selection)")
        #expect(try await choice.count(pool).letters == count)
      }
    }
  }

  private static func text(_ row: PostgresRow) throws -> String {
    let (user, pin) = (try row.decode("user_id", as: UUID.self), try row.decode("pin", as: String.self))
    let allowed = try row.decode("allowed", as: String.self)
    let counts = (try row.decode("letters", as: Int.self), try row.decode("segments", as: Int.self))
    return "\(user) \(pin) [\(allowed)] \(counts)"
  }
}
