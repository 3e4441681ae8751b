import Contracts
import Foundation
import Metering
import Postgres

/// Cancellations of replays, in steps that survive any crash: what waits goes back to its letters, what is under way
/// follows when it comes back unsent.
struct ReplayCancellationStore: Sendable {
  /// Units in one step.
  static let batchSize = 256

  var term: LeaderTerm

  /// One cancellation.
  struct Cancellation: Sendable {
    var header: EnvelopeHeader
    var replay: ReplayID
    /// What the steps so far have taken back.
    var counts = UnitCounts()
    var isDone = false
  }

  /// Writes a cancellation down, if it is new. From then on nothing of the replay waits anywhere, and what is ordered
  /// later is refused.
  /// - Returns: Also what leaves the queue with it, and of one that is done its answer once more.
  func begin(
    _ replay: ReplayID, _ header: EnvelopeHeader
  ) async throws -> (cancellation: Cancellation, result: CommandStore.Result) {
    // As many as a replay may have: read before the transaction, which holds the leadership's row.
    let waiting = try await term.pool.withConnection {
      try await OutcomeStore.Returned.waiting(where: "r.replay_id = \(replay.uuid)", $0)
    }
    let (cancellation, outbox) = try await term.transaction { connection, now in
      try await connection.query(
        """
        INSERT INTO scheduler.cancelled_replays (replay_id, cancelled_at) VALUES (\(replay.uuid), \(now.date))
        ON CONFLICT (replay_id) DO NOTHING
        """)
      try await connection.query(
        """
        INSERT INTO scheduler.replay_cancellations (command_id, replay_id, request_id, begun_at, counts)
        VALUES (\(header.id.uuid), \(replay.uuid), \(header.requestID), \(now.date), \(try Self.text(UnitCounts())))
        ON CONFLICT (command_id) DO NOTHING
        """)
      let row = try await connection.query(
        "SELECT * FROM scheduler.replay_cancellations WHERE command_id = \(header.id.uuid)"
      ).first
      guard let row else { throw StoreError.outOfStep }
      let cancellation = try Self.cancellation(row)
      return (cancellation, cancellation.isDone ? try await KeptAnswer.again(header, at: now, connection) : [])
    }
    return (cancellation, CommandStore.Result(changes: .leaving(waiting), outbox: outbox))
  }

  /// Cancellations that an earlier leader did not finish.
  func open() async throws -> [Cancellation] {
    try await term.transaction { connection, _ in
      try await connection.query(
        "SELECT * FROM scheduler.replay_cancellations WHERE done_at IS NULL ORDER BY begun_at"
      ).map(Self.cancellation)
    }
  }

  /// Takes the next units back; when none is left, the command is answered.
  func step(
    _ cancellation: Cancellation
  ) async throws -> (cancellation: Cancellation, outbox: [OutboxEntry]) {
    try await term.transaction { connection, now in
      var cancellation = cancellation
      let changes = try await takeBack(cancellation.replay, at: now, connection)
      var facts = Outbox.Draft()
      try await ReplayedUnits(connection: connection).end(changes, at: now, &facts)
      for change in changes { cancellation.counts[change.state] += 1 }
      cancellation.isDone = changes.count < Self.batchSize
      if cancellation.isDone, try await CommandStore.isNew(cancellation.header.id, connection, now) {
        let answer = try await answer(to: cancellation, connection)
        try await KeptAnswer.add(answer, to: cancellation.header, &facts, at: now, connection)
      }
      let doneAt = cancellation.isDone ? now.date : nil
      try await connection.query(
        """
        UPDATE scheduler.replay_cancellations SET counts = \(try Self.text(cancellation.counts)), done_at = \(doneAt)
        WHERE command_id = \(cancellation.header.id.uuid)
        """)
      return (cancellation, try await Outbox.insert(facts, connection))
    }
  }

  private func takeBack(
    _ replay: ReplayID, at now: Timestamp, _ connection: PostgresConnection
  ) async throws -> [UnitChange] {
    let units = try await connection.query(
      """
      SELECT r.message_id, r.unit_index
      FROM scheduler.replayed r JOIN scheduler.units u USING (message_id, unit_index)
      WHERE r.replay_id = \(replay.uuid) AND u.state IN ('pending', 'retrying') LIMIT \(Self.batchSize)
      """
    ).map(UnitID.init)
    guard !units.isEmpty else { return [] }
    let store = MessageStore(connection: connection, now: now)
    _ = try await store.lock(Array(Set(units.map(\.messageID))))
    return try await connection.query(
      """
      UPDATE scheduler.units u
      SET due_at = NULL, attempts_used = greatest(u.attempts_used, r.attempts_used),
          state = CASE WHEN EXISTS (
            SELECT FROM scheduler.attempts a
            WHERE a.message_id = u.message_id AND a.unit_index = u.unit_index
              AND a.outcome = 'unknown') THEN 'unconfirmed' ELSE r.from_state END
      FROM unnest(\(units.map(\.messageID.uuid)), \(units.map(\.index))) AS p(message_id, unit_index)
      JOIN scheduler.replayed r USING (message_id, unit_index)
      WHERE u.message_id = p.message_id AND u.unit_index = p.unit_index AND u.state IN ('pending', 'retrying')
      RETURNING u.message_id, u.unit_index, u.dispatch, u.attempts_used, u.state
      """
    ).map { try store.change($0, try UnitState($0)) }
  }

  private func answer(
    to cancellation: Cancellation, _ connection: PostgresConnection
  ) async throws -> CommandAnswered {
    var answer = UnitAnswer(header: cancellation.header)
    for state in UnitState.allCases { answer.count(cancellation.counts[state], state) }
    // What waited is gone from the table by now.
    let left: Int? = try await connection.query(
      "SELECT count(*) AS units FROM scheduler.replayed WHERE replay_id = \(cancellation.replay.uuid)"
    ).first?.decode("units")
    answer.count(left ?? 0, .sending)
    return answer.isEmpty ? answer.refused("nothing_to_cancel") : answer.body
  }

  private static func text(_ counts: UnitCounts) throws -> String {
    String(decoding: try JSONEncoder().encode(counts), as: UTF8.self)
  }

  private static func cancellation(_ row: PostgresRow) throws -> Cancellation {
    Cancellation(
      header: EnvelopeHeader(
        type: .replayCancel, id: EnvelopeID(try row.decode("command_id", as: UUID.self)),
        at: Timestamp(try row.decode("begun_at", as: Date.self)), requestID: try row.decode("request_id")),
      replay: ReplayID(try row.decode("replay_id", as: UUID.self)),
      counts: try JSONDecoder().decode(UnitCounts.self, from: Data(try row.decode("counts", as: String.self).utf8)),
      isDone: try row.decode("done_at", as: Date?.self) != nil)
  }
}
