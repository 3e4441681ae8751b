import Contracts
import Metering
import Postgres

/// What had come to its end, sent again on its user's word.
extension MessageStore {
  /// Sends the failed, dead and expired units of a message again, with all their attempts and without its expiry.
  /// - Returns: What waits again, and how many.
  func retryFailed(_ message: Message, facts: inout Outbox.Draft) async throws -> (changes: Changes, count: Int) {
    let id = message.entry.span.messageID
    var units: [UnitChange] = []
    var closed: [LettersClosed.Entry] = []
    let rows = try await connection.query(
      """
      UPDATE scheduler.units u
      SET state = 'pending', dispatch = u.dispatch + 1, attempts_used = 0, throttles = 0, failed_providers = '{}',
          is_resent = false, unsent = 0, unsent_since_at = NULL
      FROM scheduler.units old
      WHERE u.message_id = \(id.uuid) AND u.state IN ('failed', 'dead', 'expired')
        AND old.message_id = u.message_id AND old.unit_index = u.unit_index
      RETURNING u.message_id, u.unit_index, u.dispatch, u.attempts_used, old.state AS old_state
      """)
    var counts = message.counts
    for row in rows {
      let unit = try change(row, .pending)
      units.append(unit)
      let old = try UnitState(row, "old_state")
      counts[old] -= 1
      if old == .dead {
        closed.append(
          LettersClosed.Entry(
            unit: unit.attempt.unit, dispatch: unit.dispatch - 1, state: .pending, reason: "retry_failed"))
      }
    }
    if let from = message.cutFrom, message.cutState == .expired {
      units += try await reviveCut(message, from: from)
      counts.expired -= message.entry.span.total - from
    }
    guard !units.isEmpty else { return (Changes(), 0) }
    try await connection.query(
      """
      UPDATE scheduler.messages
      SET failed = \(counts.failed), dead = \(counts.dead), expired = \(counts.expired), finished_at = NULL,
          ended = CASE WHEN ended = 'cancelled' AND \(counts.sending > 0) THEN ended END, expires_at = NULL,
          cut_from = CASE WHEN cut_state = 'cancelled' THEN cut_from END,
          cut_state = CASE WHEN cut_state = 'cancelled' THEN cut_state END
      WHERE message_id = \(id.uuid)
      """)
    try facts.add(units, at: now)
    if !closed.isEmpty { try facts.add(LettersClosed(letters: closed), at: now) }
    var changes = Changes()
    let again = Set(units.map(\.attempt.unit))
    if !message.isPaused { changes.returned = try await waitingUnits(of: [id]).filter { again.contains($0.unit.unit) } }
    return (changes, units.count)
  }

  /// Gives rows to units that expired before they were ever dispatched.
  private func reviveCut(_ message: Message, from: Int) async throws -> [UnitChange] {
    let indexes = Array(from..<message.entry.span.total)
    return try await connection.query(
      """
      INSERT INTO scheduler.units (message_id, unit_index, dispatch, state)
      SELECT \(message.entry.span.messageID.uuid), i.unit_index, 1, 'pending' FROM unnest(\(indexes)) AS i(unit_index)
      RETURNING message_id, unit_index, dispatch, attempts_used
      """
    ).map { try change($0, .pending) }
  }
}
