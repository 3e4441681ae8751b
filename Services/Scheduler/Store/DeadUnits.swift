import Contracts
import Foundation
import Metering
import Postgres

/// The whole content of units that are to be dead letters.
enum DeadUnits {
  /// - Parameter units: The death's dispatch number, the new state, and why; without a reason the one of the letter that
  ///   the unit was replayed from.
  static func load(
    _ units: [(attempt: AttemptID, state: UnitState, errorType: String?, reason: String?, maxAttempts: Int)],
    at now: Timestamp,
    _ connection: PostgresConnection
  ) async throws -> [UnitsDead.Entry] {
    let why = Dictionary(units.map { ($0.attempt.unit, $0) }, uniquingKeysWith: { $1 })
    let keys = Array(why.keys)
    let histories = try await histories(of: keys, connection)
    let rows = try await connection.query(
      """
      SELECT u.message_id, u.unit_index, u.attempts_used, coalesce(r.phone, m.recipients[u.unit_index + 1]) AS phone,
        coalesce(r.content, m.content) AS content, m.segments, m.encoding, m.reference, m.accepted_at, m.providers,
        f.class, f.user_id, f.provider, r.letter
      FROM unnest(\(keys.map(\.messageID.uuid)), \(keys.map(\.index))) AS p(message_id, unit_index)
      JOIN scheduler.units u USING (message_id, unit_index)
      JOIN scheduler.messages m USING (message_id)
      JOIN scheduler.flows f USING (flow_id)
      LEFT JOIN scheduler.replayed r USING (message_id, unit_index)
      """)
    return try rows.compactMap { row in
      let unit = try UnitID(row)
      guard let end = why[unit] else { return nil }
      let flow = try FlowKey(row)
      let earlier = try row.decode("letter", as: String?.self).map(ReplayedUnits.letter)
      // What was dropped here meanwhile is in the letter, with the replies.
      let known = Set(earlier?.attempts.map(\.dispatch) ?? [])
      let history = (earlier?.attempts ?? []) + histories[unit, default: []].filter { !known.contains($0.dispatch) }
      return UnitsDead.Entry(
        unit: unit, dispatch: end.attempt.dispatch, state: end.state,
        errorType: end.errorType ?? earlier?.errorType ?? "unconfirmed",
        errorMessage: end.errorType == nil ? earlier?.errorMessage : end.reason,
        userID: flow.userID, messageClass: flow.messageClass, phone: try row.decode("phone"),
        content: try row.decode("content"), segments: try row.decode("segments"), encoding: try row.decode("encoding"),
        pinnedProvider: flow.provider, providers: try row.decode("providers"),
        reference: try row.decode("reference", as: String?.self) ?? earlier?.reference,
        attemptsUsed: try row.decode("attempts_used"),
        maxAttempts: end.errorType == nil ? earlier?.maxAttempts ?? end.maxAttempts : end.maxAttempts,
        attempts: history, acceptedAt: Timestamp(try row.decode("accepted_at", as: Date.self)),
        diedAt: now)
    }
  }

  private static func histories(
    of units: [UnitID], _ connection: PostgresConnection
  ) async throws -> [UnitID: [UnitsDead.Attempt]] {
    let rows = try await connection.query(
      """
      SELECT a.* FROM unnest(\(units.map(\.messageID.uuid)), \(units.map(\.index))) AS p(message_id, unit_index)
      JOIN scheduler.attempts a USING (message_id, unit_index)
      WHERE a.finished_at IS NOT NULL ORDER BY a.message_id, a.unit_index, a.dispatch
      """)
    var histories: [UnitID: [UnitsDead.Attempt]] = [:]
    for row in rows {
      // An attempt whose lease ran out was no try at the provider.
      guard let outcome = AttemptOutcome(rawValue: try row.decode("outcome")) else { continue }
      let unit = try UnitID(row)
      let status: Int? = try row.decode("reply_status")
      let body: String? = try row.decode("reply_body")
      histories[unit, default: []].append(
        UnitsDead.Attempt(
          dispatch: try row.decode("dispatch"), provider: try row.decode("provider"), outcome: outcome,
          reply: status == nil && body == nil ? nil : ProviderReply(status: status, body: body ?? ""),
          errorCode: try row.decode("error_code"),
          startedAt: try row.decode("started_at", as: Date?.self).map(Timestamp.init),
          finishedAt: Timestamp(try row.decode("finished_at", as: Date.self))))
    }
    return histories
  }
}
