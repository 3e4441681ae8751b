import Contracts
import Foundation
import Metering
import Postgres

/// Messages by command, schedule and expiry: what begins to wait, what ceases to, what goes again.
///
/// Every function works within a transaction of its caller and tells what memory has to follow.
struct MessageStore: Sendable {
  var connection: PostgresConnection
  var now: Timestamp

  /// A flow that units wait in.
  struct Flow: Sendable {
    var key: FlowKey
    var id: Int64
    var weight: Double
  }

  /// A unit in the flow that it waits in.
  struct FlowUnit: Sendable, Hashable {
    var unit: UnitID
    var flow: FlowKey
  }

  /// What a message's row still holds.
  enum Form: String, Sendable {
    /// Everything.
    case whole
    /// Old: no text, no numbers, no units but the dead and the unconfirmed.
    case stripped
    /// Made anew from letters, with their units alone.
    case restored
  }

  /// What has to follow in memory, once the transaction has committed.
  struct Changes: Sendable {
    /// Flows that may be new.
    var flows: [Flow] = []
    /// Messages that wait no longer; their units that came back wait no longer either.
    var withdrawn: [QueueEntry] = []
    /// Units in backoff that wait no longer.
    var withdrawnUnits: [UnitID] = []
    /// Units that wait no longer in flows that are not their messages'.
    var withdrawnReturns: [FlowUnit] = []
    var admitted: [QueueEntry] = []
    var returned: [OutcomeStore.Returned] = []
  }

  /// One message as its row says, locked.
  struct Message: Sendable {
    var entry: QueueEntry
    var counts: UnitCounts
    var isDue: Bool
    var isPaused: Bool
    var ended: UnitTransition.Ending?
    var cutFrom: Int?
    var cutState: UnitState?
    var isFinished: Bool
    var form: Form

    /// True when units of it that were never dispatched lie in the queue.
    var isQueued: Bool { isDue && !isPaused && entry.span.rest > 0 }

    /// What leaves the queue with it.
    var queued: QueueEntry {
      var entry = entry
      if !isQueued { entry.span.cursor = entry.span.total }
      return entry
    }
  }

  /// Locks messages, in the order of their ids, so that no two transactions wait for each other.
  func lock(_ ids: [MessageID]) async throws -> [Message] {
    try await connection.query(
      """
      SELECT m.message_id, m.flow_id, m.first_number, m.cursor, m.total, m.segments, m.providers, m.is_due, m.is_paused, m.ended,
        m.cut_from, m.cut_state, m.form, m.finished_at IS NOT NULL AS is_finished, m.sent, m.failed, m.dead,
        m.expired, m.cancelled, m.unconfirmed, f.class, f.user_id, f.provider, f.weight,
        (SELECT count(*) FROM scheduler.units u WHERE u.message_id = m.message_id AND u.state = 'sending') AS sending,
        (SELECT count(*) FROM scheduler.units u WHERE u.message_id = m.message_id AND u.state = 'retrying') AS retrying
      FROM scheduler.messages m JOIN scheduler.flows f USING (flow_id)
      WHERE m.message_id = ANY(\(ids.map(\.uuid))) ORDER BY m.message_id FOR UPDATE OF m
      """
    ).map(Self.message)
  }

  // MARK: Ending

  /// What a batch of endings did.
  struct Ended: Sendable {
    var changes = Changes()
    /// The counts of each message after it.
    var counts: [MessageID: UnitCounts] = [:]
  }

  /// Cancels or expires messages: what was never dispatched is cut off in one go, units that came back end one by one.
  /// What is in flight goes on and follows when it comes back.
  func end(
    _ messages: [Message], as ending: UnitTransition.Ending, facts: inout Outbox.Draft
  ) async throws -> Ended {
    // What has expired may still be replayed, and that can be cancelled.
    let messages = messages.filter {
      !$0.isFinished && ($0.ended == nil || ($0.ended == .expired && ending == .cancelled))
    }
    var result = Ended()
    guard !messages.isEmpty else { return result }
    let state: UnitState = ending == .cancelled ? .cancelled : .expired
    let ids = messages.map(\.entry.span.messageID)
    let replayed = ReplayedUnits(connection: connection)
    let waiting = try await replayed.waiting(of: ids)
    let units = try await endReturned(ids, as: state)
    let returned = Dictionary(grouping: units, by: \.attempt.messageID)
    var finished: [MessagesFinished.Entry] = []
    var updated = messages.map(\.counts)
    for place in messages.indices {
      let span = messages[place].entry.span
      let units = returned[span.messageID, default: []]
      // Replayed units have no part in their message's expiry.
      let left = updated[place].pending + updated[place].retrying - span.rest - units.count
      updated[place][state] += span.rest
      for unit in units { updated[place][unit.state] += 1 }
      updated[place].retrying = 0
      updated[place].pending = left
      let counts = updated[place]
      result.counts[span.messageID] = counts
      result.changes.withdrawn.append(messages[place].queued)
      if counts.sending == 0, left == 0 {
        finished.append(MessagesFinished.Entry(messageID: span.messageID, counts: counts, finishedAt: now))
      }
    }
    let over = Set(units.map(\.attempt.unit))
    let paused = Set(messages.filter(\.isPaused).map(\.entry.span.messageID))
    let leaving = Changes.leaving(waiting)
    result.changes.withdrawnUnits = Array(over.union(leaving.withdrawnUnits))
    result.changes.withdrawnReturns = leaving.withdrawnReturns
    result.changes.returned = waiting.filter {
      !over.contains($0.unit.unit) && !paused.contains($0.unit.unit.messageID)
    }
    try await connection.query(
      """
      UPDATE scheduler.messages m
      SET ended = \(state.rawValue), cut_from = CASE WHEN cursor < total THEN cursor ELSE cut_from END,
          cut_state = CASE WHEN cursor < total THEN \(state.rawValue) ELSE cut_state END, cursor = total,
          cancelled = p.cancelled, expired = p.expired, unconfirmed = p.unconfirmed,
          finished_at = CASE WHEN p.is_finished THEN \(now.date) END
      FROM unnest(
          \(ids.map(\.uuid)), \(updated.map(\.cancelled)), \(updated.map(\.expired)), \(updated.map(\.unconfirmed)),
          \(updated.map { $0.sending == 0 && $0.pending == 0 }))
        AS p(message_id, cancelled, expired, unconfirmed, is_finished)
      WHERE m.message_id = p.message_id
      """)
    let cut = messages.map {
      CutMessage(
        messageID: $0.entry.span.messageID, fromIndex: $0.entry.span.cursor, total: $0.entry.span.total, at: now)
    }
    switch ending {
    case .cancelled: try facts.add(MessagesCancelled(messages: cut), at: now)
    case .expired: try facts.add(MessagesExpired(messages: cut), at: now)
    }
    try facts.add(units, at: now)
    let doubtful = units.filter { $0.state == .unconfirmed }
    if !doubtful.isEmpty {
      let letters = try await DeadUnits.load(
        doubtful.map { ($0.attempt, .unconfirmed, "unconfirmed", nil, 0) }, at: now, connection)
      try facts.add(letters, at: now)
    }
    try await replayed.finish(units.map { ($0.attempt.unit, $0.state) }, at: now, &facts)
    if !finished.isEmpty { try facts.add(MessagesFinished(messages: finished), at: now) }
    return result
  }

  /// What may have arrived, since an outcome of it is unknown, is not called cancelled or expired.
  private func endReturned(_ ids: [MessageID], as state: UnitState) async throws -> [UnitChange] {
    try await connection.query(
      """
      UPDATE scheduler.units u
      SET due_at = NULL, state = CASE WHEN EXISTS (
          SELECT FROM scheduler.attempts a
          WHERE a.message_id = u.message_id AND a.unit_index = u.unit_index
            AND a.outcome = 'unknown') OR EXISTS (
          SELECT FROM scheduler.replayed r
          WHERE r.message_id = u.message_id AND r.unit_index = u.unit_index AND r.from_state = 'unconfirmed')
        THEN 'unconfirmed' ELSE \(state.rawValue) END
      WHERE u.message_id = ANY(\(ids.map(\.uuid))) AND u.state IN ('pending', 'retrying')
        AND (\(state == .cancelled) OR NOT EXISTS (
          SELECT FROM scheduler.replayed r WHERE r.message_id = u.message_id AND r.unit_index = u.unit_index))
      RETURNING u.message_id, u.unit_index, u.dispatch, u.attempts_used, u.state
      """
    ).map { try change($0, try UnitState($0)) }
  }

  // MARK: Pausing

  /// Holds messages back.
  /// - Returns: What leaves the queue; messages that were paused before are left as they are.
  func pause(_ messages: [Message]) async throws -> Changes {
    let messages = messages.filter { !$0.isFinished && !$0.isPaused }
    var changes = Changes()
    guard !messages.isEmpty else { return changes }
    let ids = messages.map(\.entry.span.messageID)
    try await connection.query(
      "UPDATE scheduler.messages SET is_paused = true WHERE message_id = ANY(\(ids.map(\.uuid)))")
    changes.withdrawn = messages.map(\.queued)
    let waiting = try await waitingUnits(of: ids)
    changes.withdrawnUnits = waiting.map(\.unit.unit)
    changes.withdrawnReturns = waiting.map { FlowUnit(unit: $0.unit.unit, flow: $0.flow) }
    return changes
  }

  /// Lets messages go on: units that came back at once, the rest at its old place.
  func resume(_ messages: [Message]) async throws -> Changes {
    let messages = messages.filter { !$0.isFinished && $0.isPaused }
    var changes = Changes()
    guard !messages.isEmpty else { return changes }
    let ids = messages.map(\.entry.span.messageID)
    try await connection.query(
      "UPDATE scheduler.messages SET is_paused = false WHERE message_id = ANY(\(ids.map(\.uuid)))")
    changes.admitted = messages.filter { $0.isDue && $0.entry.span.rest > 0 }.map(\.entry)
    changes.returned = try await waitingUnits(of: ids)
    return changes
  }

  func waitingUnits(of ids: [MessageID]) async throws -> [OutcomeStore.Returned] {
    try await OutcomeStore.Returned.waiting(where: "u.message_id = ANY(\(ids.map(\.uuid)))", connection)
  }

  // MARK: Rows

  func change(_ row: PostgresRow, _ state: UnitState) throws -> UnitChange {
    let dispatch: Int = try row.decode("dispatch")
    return UnitChange(
      attempt: AttemptID(unit: try UnitID(row), dispatch: dispatch), state: state, dispatch: dispatch,
      attemptsUsed: try row.decode("attempts_used"),
      provider: nil, finishedAt: now)
  }

  private static func message(_ row: PostgresRow) throws -> Message {
    var counts = try UnitCounts(row)
    counts.sending = try row.decode("sending")
    counts.retrying = try row.decode("retrying")
    let total: Int = try row.decode("total")
    counts.pending = total - counts.total
    let ended: String? = try row.decode("ended")
    return Message(
      entry: QueueEntry(
        flow: try FlowKey(row), flowID: try row.decode("flow_id"), weight: try row.decode("weight"),
        span: MessageSpan(
          messageID: try MessageID(row),
          firstNumber: try row.decode("first_number"), cursor: try row.decode("cursor"), total: total,
          segments: try row.decode("segments"), allowed: try row.decode("providers"))),
      counts: counts, isDue: try row.decode("is_due"), isPaused: try row.decode("is_paused"),
      ended: ended == "cancelled" ? .cancelled : ended == "expired" ? .expired : nil,
      cutFrom: try row.decode("cut_from"),
      cutState: try row.decode("cut_state", as: String?.self).flatMap(UnitState.init(rawValue:)),
      isFinished: try row.decode("is_finished"), form: Form(rawValue: try row.decode("form")) ?? .whole)
  }
}
