import Contracts
import Foundation
import Logging
import Postgres
import TestSupport

@testable import APIGateway
@testable import DeadLetter

/// The dead-letter service's own tables, for tests that fill them by hand.
enum DeadLetterTables {
  static let time = Timestamp("2026-11-20T08:15:30.123Z") ?? .now()
  static let phone = "+85291234567"

  /// Makes them.
  static func make(in pool: PostgresPool) async throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    try await Migrator.migrate(
      schema: DeadLetterSchema.name, migrations: DeadLetterSchema.migrations, pool: pool, logger: logger)
  }

  /// The API over such tables, without a broker.
  static func run(_ body: @Sendable (GatewayFixture) async throws -> Void) async throws {
    let database = try await PostgresCluster.shared().makeDatabase()
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let pool = PostgresPool(configuration: try PostgresConfiguration(url: database), logger: logger)
    try await pool.withConnection { try await $0.execute(script: ReadTables.script) }
    try await make(in: pool)
    await pool.close()
    try await GatewayFixture.run(database: database) { try await body($0) }
  }

  /// A letter of an SMS of one segment, opened so many seconds after `time`.
  @discardableResult
  static func insert(
    _ id: EnvelopeID = .timeOrdered(), state: String = "pending", unit: String = "dead", errorType: String = "timeout",
    provider: String? = "hkt", pinned: String? = nil, user: UserID, message: MessageID = .timeOrdered(),
    after seconds: Int = 0, reason: String? = nil, into pool: PostgresPool
  ) async throws -> EnvelopeID {
    let attempts = """
      [{"dispatch": 1, "provider": "first", "outcome": "retryable", "error_code": "http_500",
        "reply": {"status": 500, "body": "no"}, "finished_at": "2026-11-20T08:00:00.000000Z"},
       {"dispatch": 3, "provider": "hkt", "outcome": "unknown", "error_code": "timeout",
        "started_at": "2026-11-20T08:10:00.000000Z", "finished_at": "2026-11-20T08:10:30.500000Z"}]
      """
    let created = time + .seconds(seconds)
    let closed = ["retried", "abandoned", "settled"].contains(state) ? time + .seconds(3_600) : nil
    try await pool.query(
      """
      INSERT INTO dead_letter.letters (
        letter_id, state, unit_state, error_type, error_message, message_id, unit_index, dispatch, user_id, class, phone,
        content, segments, encoding, pinned_provider, reference, provider, retry_count, max_attempts, attempts,
        accepted_at, died_at, last_attempt_at, created_at, close_reason, closed_at)
      VALUES (
        \(id.uuid), \(state), \(unit), \(errorType), 'the provider did not answer', \(message.uuid), 2, 3, \(user.uuid),
        'normal', \(phone), 'Your "table"', 1, 'gsm7', \(pinned), 'booking-1', \(provider), 2, 5,
        \(PostgresJSON(attempts)), \(created.date), \(created.date), \(created.date), \(created.date), \(reason),
        \(closed?.date))
      """)
    return id
  }

  /// A message that the consumer of this queue could not work with.
  @discardableResult
  static func insertPoison(
    _ id: EnvelopeID = .timeOrdered(), state: String = "pending", queue: String = BrokerNames.submissions,
    body: [UInt8] = Array(#"{"type": 7}"#.utf8), after seconds: Int = 0, into pool: PostgresPool
  ) async throws -> EnvelopeID {
    let created = time + .seconds(seconds)
    try await pool.query(
      """
      INSERT INTO dead_letter.poison (
        poison_id, queue, exchange, routing_key, headers, body, error, times, received_at, last_received_at, state,
        closed_at)
      VALUES (
        \(id.uuid), \(queue), 'sluice.events', 'message.accepted', '{"x-origin-queue": "scheduler.submissions"}', \(body),
        'malformed: .type has the wrong type', 3, \(created.date), \((created + .seconds(9)).date), \(state),
        \(state == "pending" ? nil : created.date))
      """)
    return id
  }

  /// Notes that somebody asked for something to be done with letters.
  static func insertRequest(
    _ id: UUID, kind: String = "replay", letters: [(id: EnvelopeID, result: String?)], reason: String? = nil,
    verdict: String? = nil, after seconds: Int = 0, isEnded: Bool = false,
    into pool: PostgresPool
  ) async throws {
    let at = time + .seconds(seconds)
    let end = (time + .seconds(600)).date
    try await pool.query(
      """
      INSERT INTO dead_letter.requests (
        request_id, kind, digest, actor_id, actor, reason, class, provider, verdict, letters, segments, requested_at,
        ended_at)
      VALUES (
        \(id), \(kind), \(id.uuidString), NULL, 'root', \(reason), \(kind == "replay" ? "bulk" : nil), NULL, \(verdict),
        \(letters.count)::integer, \(2 * letters.count), \(at.date),
        \(isEnded ? end : nil))
      """)
    for letter in letters {
      try await pool.query(
        """
        INSERT INTO dead_letter.request_letters (request_id, letter_id, chunk, dispatch, result, ended_at)
        VALUES (\(id), \(letter.id.uuid), 0, 3, \(letter.result), \(letter.result == nil ? nil : end))
        """)
    }
  }

  /// Notes that somebody has cancelled a replay.
  static func insertCancellation(
    _ id: UUID, of replay: UUID, by actor: LetterActor, at time: Timestamp, into pool: PostgresPool
  ) async throws {
    try await pool.query(
      """
      INSERT INTO dead_letter.requests (request_id, kind, actor_id, actor, reason, replay_id, requested_at)
      VALUES (\(id), 'cancel', \(actor.userID?.uuid), \(actor.name), \(actor.reason), \(replay), \(time.date))
      """)
    try await pool.query(
      """
      UPDATE dead_letter.requests SET cancelled_at = \(time.date), cancel_id = \(id) WHERE request_id = \(replay)
      """)
  }
}
