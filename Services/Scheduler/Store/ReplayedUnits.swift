import Contracts
import Foundation
import Metering
import Postgres

/// Units that are under way out of their letters. Works within a transaction of its caller.
struct ReplayedUnits: Sendable {
  var connection: PostgresConnection

  /// Those of some messages that wait, with the flows that they wait in.
  func waiting(of ids: [MessageID]) async throws -> [OutcomeStore.Returned] {
    try await OutcomeStore.Returned.waiting(
      where: "r.replay_id IS NOT NULL AND u.message_id = ANY(\(ids.map(\.uuid)))", connection)
  }

  /// Tells how units ended, as far as they were replayed, and forgets that they were.
  func finish(_ units: [(unit: UnitID, state: UnitState)], at now: Timestamp, _ facts: inout Outbox.Draft) async throws
  {
    guard !units.isEmpty else { return }
    let states = Dictionary(units.map { ($0.unit, $0.state) }, uniquingKeysWith: { $1 })
    let rows = try await connection.query(
      """
      DELETE FROM scheduler.replayed r
      USING unnest(\(units.map(\.unit.messageID.uuid)), \(units.map(\.unit.index))) AS p(message_id, unit_index)
      WHERE r.message_id = p.message_id AND r.unit_index = p.unit_index
      RETURNING r.message_id, r.unit_index, r.died,
        NOT EXISTS (
          -- Its replay was cancelled or expired before it went. A lease that ran out was no try at the provider.
          SELECT FROM scheduler.attempts a
          WHERE a.message_id = r.message_id AND a.unit_index = r.unit_index AND a.dispatch > r.died
            AND a.outcome <> 'expired') AS is_unsent
      """)
    let letters = try rows.compactMap { row -> LettersFinished.Entry? in
      let unit = try UnitID(row)
      return try states[unit].map { state in
        let isBack = try row.decode("is_unsent", as: Bool.self) && (state == .dead || state == .unconfirmed)
        return LettersFinished.Entry(
          unit: unit, dispatch: try row.decode("died"), state: state, takenBack: isBack ? true : nil)
      }
    }
    for chunk in letters.chunks(of: 256) { try facts.add(LettersFinished(letters: chunk), at: now) }
  }

  /// When the next one expires, of those that it has not happened to.
  func nextExpiry(now: Timestamp) async throws -> Timestamp? {
    try await connection.query(
      """
      SELECT r.expires_at AS expiry_at FROM scheduler.replayed r
      JOIN scheduler.units u USING (message_id, unit_index)
      WHERE r.expires_at IS NOT NULL AND (r.expires_at > \(now.date) OR u.state IN ('pending', 'retrying'))
      ORDER BY r.expires_at LIMIT 1
      """
    ).first?.decode("expiry_at", as: Date?.self).map(Timestamp.init)
  }

  /// Ends those that wait past their own expiry. What may have arrived is unconfirmed again, not expired.
  func expire(at now: Timestamp, limit: Int, _ facts: inout Outbox.Draft) async throws -> MessageStore.Changes {
    let due = try await OutcomeStore.Returned.waiting(
      where: """
        (u.message_id, u.unit_index) IN (
          SELECT d.message_id, d.unit_index
          FROM scheduler.replayed d JOIN scheduler.units w USING (message_id, unit_index)
          WHERE d.expires_at <= \(now.date) AND w.state IN ('pending', 'retrying')
            AND NOT EXISTS (SELECT FROM scheduler.cancelled_replays c WHERE c.replay_id = d.replay_id)
          ORDER BY d.expires_at LIMIT \(limit))
        """, connection)
    guard !due.isEmpty else { return MessageStore.Changes() }
    let store = MessageStore(connection: connection, now: now)
    _ = try await store.lock(Array(Set(due.map(\.unit.unit.messageID))))
    let units = due.map(\.unit.unit)
    let changes = try await connection.query(
      """
      UPDATE scheduler.units u
      SET due_at = NULL, state = CASE WHEN r.from_state = 'unconfirmed' OR EXISTS (
          SELECT FROM scheduler.attempts a
          WHERE a.message_id = u.message_id AND a.unit_index = u.unit_index
            AND a.outcome = 'unknown') THEN 'unconfirmed' ELSE 'expired' END
      FROM unnest(\(units.map(\.messageID.uuid)), \(units.map(\.index))) AS p(message_id, unit_index)
      JOIN scheduler.replayed r USING (message_id, unit_index)
      WHERE u.message_id = p.message_id AND u.unit_index = p.unit_index AND u.state IN ('pending', 'retrying')
      RETURNING u.message_id, u.unit_index, u.dispatch, u.attempts_used, u.state
      """
    ).map { try store.change($0, try UnitState($0)) }
    try await end(changes, at: now, &facts)
    return .leaving(due)
  }

  /// Writes down what replayed units that waited have become instead of being sent: counts, facts, letters.
  func end(
    _ changes: [UnitChange], at now: Timestamp, errorType: String? = nil, _ facts: inout Outbox.Draft
  ) async throws {
    var deltas: [MessageID: UnitCounts] = [:]
    for change in changes {
      MessageCounts.note(change.attempt.messageID, from: .pending, to: change.state, in: &deltas)
    }
    let finished = try await MessageCounts.move(deltas, at: now, connection)
    try facts.add(changes, at: now)
    let buried = changes.filter { $0.state == .dead || $0.state == .unconfirmed }
    if !buried.isEmpty {
      let letters = try await DeadUnits.load(
        buried.map { ($0.attempt, $0.state, errorType, nil, 0) }, at: now, connection)
      try facts.add(letters, at: now)
    }
    try await finish(changes.map { ($0.attempt.unit, $0.state) }, at: now, &facts)
    if !finished.isEmpty { try facts.add(MessagesFinished(messages: finished), at: now) }
  }

  // MARK: Letters as text

  static func text(_ letter: UnitsDead.Entry) throws -> String {
    String(decoding: try JSONEncoder().encode(letter), as: UTF8.self)
  }

  static func letter(_ text: String) throws -> UnitsDead.Entry {
    try JSONDecoder().decode(UnitsDead.Entry.self, from: Data(text.utf8))
  }
}

extension MessageStore.Changes {
  /// Units wait no longer, wherever they do.
  static func leaving(_ units: [OutcomeStore.Returned]) -> Self {
    Self(
      withdrawnUnits: units.map(\.unit.unit), withdrawnReturns: units.map { .init(unit: $0.unit.unit, flow: $0.flow) })
  }
}
