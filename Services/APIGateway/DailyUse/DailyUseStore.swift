import Contracts
import Foundation
import Postgres

/// SMS that were accepted on a day from users with a daily limit, in PostgreSQL.
struct DailyUseStore: Sendable {
  let pool: PostgresPool

  /// A message as it counts.
  struct Count: Sendable, Equatable {
    var messageID: MessageID
    var userID: UserID
    /// `2026-11-21`, where the installation's days begin.
    var day: String
    var sms: Int
  }

  /// What became of a message that was to be counted.
  enum Outcome: Sendable, Equatable {
    case counted
    /// Earlier, by another try of the same message.
    case wasCounted
    /// The limit would be passed.
    case refused
  }

  /// Whether the last use of the database succeeded.
  var isReachable: Bool { pool.isReady }

  /// Counts a message, once however often it is tried, unless the limit would be passed: in one statement, so that it is
  /// exact whatever comes at once to whichever replica.
  ///
  /// What does not fit by a look without a lock goes no further: whoever is refused again and again neither waits nor
  /// writes.
  func reserve(_ count: Count, limit: Int) async throws -> Outcome {
    do {
      let row = try await pool.query(
        """
        WITH counted AS (
          INSERT INTO accounts.daily_use AS d (user_id, day, sms)
          SELECT \(count.userID.uuid), \(count.day)::date, \(count.sms)
          WHERE \(count.sms) <= \(limit)
            AND NOT EXISTS (SELECT FROM accounts.daily_messages WHERE message_id = \(count.messageID.uuid))
            AND NOT EXISTS (
              SELECT FROM accounts.daily_use
              WHERE user_id = \(count.userID.uuid) AND day = \(count.day)::date AND sms + \(count.sms) > \(limit))
          ON CONFLICT (user_id, day) DO UPDATE SET sms = d.sms + excluded.sms WHERE d.sms + excluded.sms <= \(limit)
          RETURNING user_id),
        noted AS (
          INSERT INTO accounts.daily_messages (message_id, user_id, day, sms)
          SELECT \(count.messageID.uuid), user_id, \(count.day)::date, \(count.sms) FROM counted)
        SELECT EXISTS (SELECT FROM counted) AS is_counted,
          EXISTS (SELECT FROM accounts.daily_messages WHERE message_id = \(count.messageID.uuid)) AS was_counted
        """
      ).first
      if try row?.decode("is_counted") ?? false { return .counted }
      return try row?.decode("was_counted") ?? false ? .wasCounted : .refused
    } catch let error as PostgresError where error.isUniqueViolation {
      // The same message came twice at once, and the other one is counted.
      return .wasCounted
    }
  }

  /// What a user has used of a day.
  func used(by user: UserID, on day: String) async throws -> Int {
    try await pool.query(
      "SELECT sms::bigint AS sms FROM accounts.daily_use WHERE user_id = \(user.uuid) AND day = \(day)::date"
    ).first?.decode("sms") ?? 0
  }

  /// Takes a message out that will never be sent; nothing when it is not counted.
  func giveBack(_ message: MessageID) async throws {
    try await pool.query(
      """
      WITH gone AS (
        DELETE FROM accounts.daily_messages WHERE message_id = \(message.uuid) RETURNING user_id, day, sms)
      UPDATE accounts.daily_use d SET sms = greatest(0, d.sms - gone.sms) FROM gone
      WHERE d.user_id = gone.user_id AND d.day = gone.day
      """)
  }

  /// Counts what was accepted while nobody could count, whatever the limits.
  func add(_ counts: [Count]) async throws {
    try await pool.query(
      """
      WITH noted AS (
        INSERT INTO accounts.daily_messages (message_id, user_id, day, sms)
        SELECT message_id, user_id, day::date, sms
        FROM unnest(\(counts.map(\.messageID.uuid)), \(counts.map(\.userID.uuid)), \(counts.map(\.day)),
          \(counts.map(\.sms))) AS c(message_id, user_id, day, sms)
        ON CONFLICT (message_id) DO NOTHING RETURNING user_id, day, sms)
      INSERT INTO accounts.daily_use AS d (user_id, day, sms)
      SELECT user_id, day, sum(sms) FROM noted GROUP BY user_id, day ORDER BY user_id, day
      ON CONFLICT (user_id, day) DO UPDATE SET sms = d.sms + excluded.sms
      """)
  }
}
