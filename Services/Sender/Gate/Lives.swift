import Contracts
import Foundation
import Postgres

/// The senders' signs of life in the database, and the end of claims whose sender has none.
struct Lives: Sendable {
  /// For the beat alone: it never waits behind other work.
  var pool: PostgresPool
  var holder: String
  /// This process's life.
  var incarnation: UUID

  /// Gives a sign of life, the first one before the first claim.
  /// - Returns: The latest beats of all other lives.
  @discardableResult
  func beat() async throws -> [UUID: Int64] {
    let rows = try await pool.query(
      """
      WITH own AS (
        INSERT INTO sender.lives AS l (incarnation, holder, begun_at) VALUES (\(incarnation), \(holder), sluice.clock())
        ON CONFLICT (incarnation) DO UPDATE SET beat = l.beat + 1)
      SELECT incarnation, beat FROM sender.lives WHERE incarnation <> \(incarnation)
      """)
    var beats: [UUID: Int64] = [:]
    for row in rows { beats[try row.decode("incarnation")] = try row.decode("beat") }
    return beats
  }

  /// Ends what senders that are gone have claimed as unknown: whether it was sent cannot be known, and a real answer that
  /// still comes wins.
  ///
  /// Also claims of no known life, of an earlier version or by a sender that thawed and was frozen again, after time-out
  /// + 10 s. Never this life's own.
  /// - Parameter silent: Lives that have given no sign, each with its last beat: one that has beaten since is left alone.
  /// - Returns: The attempts that were taken over.
  func end(_ silent: [UUID: Int64]) async throws -> [AttemptID] {
    let silent = silent.sorted { $0.key.uuidString < $1.key.uuidString }
    return try await pool.query(
      """
      WITH gone AS (
        DELETE FROM sender.lives v
        USING unnest(\(silent.map(\.key)), \(silent.map(\.value))) AS s(incarnation, beat)
        WHERE v.incarnation = s.incarnation AND v.beat = s.beat AND v.incarnation <> \(incarnation)
        RETURNING v.incarnation)
      UPDATE sender.ledger l
      SET state = 'finished', outcome = 'unknown', error_code = 'orphaned', finished_at = sluice.clock(),
          reported_at = NULL
      WHERE l.state = 'claimed' AND l.incarnation <> \(incarnation)
        AND (l.incarnation IN (SELECT incarnation FROM gone)
          OR (l.orphaned_after_at < sluice.clock()
            AND NOT EXISTS (SELECT FROM sender.lives v WHERE v.incarnation = l.incarnation)))
      RETURNING l.message_id, l.unit_index, l.dispatch
      """
    ).map { row in
      AttemptID(
        messageID: MessageID(try row.decode("message_id")), index: try row.decode("unit_index"),
        dispatch: try row.decode("dispatch"))
    }
  }

  /// Forgets this life at its end. What it leaves claimed, others find by its silence.
  func leave() async throws {
    try await pool.query(
      """
      DELETE FROM sender.lives WHERE incarnation = \(incarnation)
        AND NOT EXISTS (SELECT FROM sender.ledger WHERE state = 'claimed' AND incarnation = \(incarnation))
      """)
  }
}
