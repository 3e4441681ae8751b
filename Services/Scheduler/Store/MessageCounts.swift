import Contracts
import Foundation
import Postgres

/// The messages' counts of units in final states.
enum MessageCounts {
  /// Notes a unit's change of state; only final states are counted.
  static func note(
    _ message: MessageID, from old: UnitState, to new: UnitState, in deltas: inout [MessageID: UnitCounts]
  ) {
    if old.isFinal { deltas[message, default: UnitCounts()][old] -= 1 }
    if new.isFinal { deltas[message, default: UnitCounts()][new] += 1 }
  }

  /// Moves the messages' counts, and finds those all of whose units are final now.
  static func move(
    _ deltas: [MessageID: UnitCounts], at now: Timestamp, _ connection: PostgresConnection
  ) async throws -> [MessagesFinished.Entry] {
    guard !deltas.isEmpty else { return [] }
    let ids = deltas.keys.sorted()
    let changes = ids.map { deltas[$0] ?? UnitCounts() }
    let rows = try await connection.query(
      """
      UPDATE scheduler.messages m
      SET sent = m.sent + p.sent, failed = m.failed + p.failed, dead = m.dead + p.dead,
          unconfirmed = m.unconfirmed + p.unconfirmed, expired = m.expired + p.expired,
          cancelled = m.cancelled + p.cancelled,
          finished_at = CASE
            WHEN m.sent + m.failed + m.dead + m.expired + m.cancelled + m.unconfirmed
               + p.sent + p.failed + p.dead + p.expired + p.cancelled + p.unconfirmed = m.total THEN \(now.date) END
      FROM unnest(
          \(ids.map(\.uuid)), \(changes.map(\.sent)), \(changes.map(\.failed)), \(changes.map(\.dead)),
          \(changes.map(\.unconfirmed)), \(changes.map(\.expired)), \(changes.map(\.cancelled)))
        AS p(message_id, sent, failed, dead, unconfirmed, expired, cancelled)
      WHERE m.message_id = p.message_id
      RETURNING m.message_id, m.sent, m.failed, m.dead, m.expired, m.cancelled, m.unconfirmed, m.finished_at, m.form
      """)
    return try rows.compactMap { row in
      // Of a message that was restored from its letters the other units are not known.
      guard try row.decode("finished_at", as: Date?.self) != nil, try row.decode("form") != "restored" else {
        return nil
      }
      return MessagesFinished.Entry(
        messageID: try MessageID(row), counts: try UnitCounts(row), finishedAt: now)
    }
  }
}
