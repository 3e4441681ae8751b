import Contracts
import Metering
import Postgres

/// What had come to its end, sent again on its user's word.
extension MessageStore {
  /// What a step of a retry did.
  struct Retried: Sendable {
    var changes = Changes()
    /// Units that go again.
    var count = 0
    /// Units from this index on have been looked at, but for those that the cut still holds.
    var nextIndex = 0
    /// Whether all have been looked at.
    var isDone = false
  }

  /// Sends failed, dead and expired units of a message again, with all their attempts and without its expiry.
  /// - Parameters:
  ///   - before: Only units below this index.
  ///   - limit: No more than so many.
  ///   - isFirst: Nothing of it has gone again by this command yet.
  func retry(
    _ message: Message, before end: Int, limit: Int, isFirst: Bool, facts: inout Outbox.Draft
  ) async throws -> Retried {
    let id = message.entry.span.messageID
    var counts = message.counts
    var units: [UnitChange] = []
    var closed: [LettersClosed.Entry] = []
    var cutFrom = message.cutFrom
    var result = Retried()
    if let from = message.cutFrom, message.cutState == .expired {
      // What was never dispatched has no rows. It goes from its first unit on, so that the others stay one range.
      let next = min(message.entry.span.total, from + limit)
      units = try await revive(id, from..<next)
      counts.expired -= units.count
      cutFrom = next < message.entry.span.total ? next : nil
      result.nextIndex = min(end, from)
      result.isDone = cutFrom == nil && result.nextIndex == 0
    } else {
      let rows = try await connection.query(
        """
        UPDATE scheduler.units u
        SET state = 'pending', dispatch = u.dispatch + 1, attempts_used = 0, throttles = 0, failed_providers = '{}',
            is_resent = false, unsent = 0, unsent_since_at = NULL
        FROM (
          SELECT unit_index, state FROM scheduler.units
          WHERE message_id = \(id.uuid) AND unit_index < \(end) AND state IN ('failed', 'dead', 'expired')
          ORDER BY unit_index DESC LIMIT \(limit)) old
        WHERE u.message_id = \(id.uuid) AND u.unit_index = old.unit_index
        RETURNING u.message_id, u.unit_index, u.dispatch, u.attempts_used, old.state AS old_state
        """)
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
      result.nextIndex = units.count < limit ? 0 : units.map(\.attempt.unit.index).min() ?? 0
      result.isDone = result.nextIndex == 0
    }
    guard !units.isEmpty else { return result }
    result.count = units.count
    let isCut = cutFrom != nil
    try await connection.query(
      """
      UPDATE scheduler.messages
      SET failed = \(counts.failed), dead = \(counts.dead), expired = \(counts.expired), finished_at = NULL,
          ended = CASE WHEN NOT \(isFirst) OR (ended = 'cancelled' AND \(counts.sending > 0)) THEN ended END,
          expires_at = NULL, cut_from = CASE WHEN \(isCut) THEN \(cutFrom) END,
          cut_state = CASE WHEN \(isCut) THEN cut_state END
      WHERE message_id = \(id.uuid)
      """)
    try facts.add(units, at: now)
    if !closed.isEmpty { try facts.add(LettersClosed(letters: closed), at: now) }
    if !message.isPaused { result.changes.returned = try await waitingUnits(of: id, units.map(\.attempt.unit.index)) }
    return result
  }

  /// Gives rows to units that expired before they were ever dispatched.
  private func revive(_ id: MessageID, _ indexes: Range<Int>) async throws -> [UnitChange] {
    try await connection.query(
      """
      INSERT INTO scheduler.units (message_id, unit_index, dispatch, state)
      SELECT \(id.uuid), i.unit_index, 1, 'pending' FROM unnest(\(Array(indexes))) AS i(unit_index)
      RETURNING message_id, unit_index, dispatch, attempts_used
      """
    ).map { try change($0, .pending) }
  }

  private func waitingUnits(of id: MessageID, _ indexes: [Int]) async throws -> [OutcomeStore.Returned] {
    try await OutcomeStore.Returned.waiting(
      where: "u.message_id = \(id.uuid) AND u.unit_index = ANY(\(indexes))", connection)
  }
}
