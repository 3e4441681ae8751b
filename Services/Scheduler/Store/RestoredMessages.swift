import Contracts
import Foundation
import Metering
import Postgres

/// Makes messages anew of which the scheduler knows nothing any more, from what their letters say.
///
/// Only the units of the letters are known then, so such a message is marked. Retention leaves of an old message what
/// lies in the letters; this is for what was lost in another way. Of what may have been dropped by age nothing is made:
/// it may have been sent since that death.
struct RestoredMessages: Sendable {
  var connection: PostgresConnection
  var now: Timestamp

  /// Adds what is missing of these letters' units, dead or unconfirmed as their letters say.
  /// - Parameter known: The messages that there are, locked.
  /// - Returns: Whether something was added.
  func add(_ letters: [UnitsDead.Entry], known: [MessageID: MessageStore.Message]) async throws -> Bool {
    let missing = letters.filter {
      ($0.state == .dead || $0.state == .unconfirmed) && !isTooOld($0)
        && known[$0.unit.messageID].map { $0.form == .restored } ?? true
    }
    for (id, letters) in Dictionary(grouping: missing, by: \.unit.messageID).sorted(by: { $0.key < $1.key }) {
      let added = known[id] == nil ? letters : try await absent(letters)
      guard let first = added.first else { continue }
      let dead = added.count { $0.state == .dead }
      if known[id] == nil {
        let flow = FlowKey(
          messageClass: first.messageClass, userID: first.userID, provider: first.pinnedProvider,
          allowed: first.providers)
        let flowID = try await ReplayFlows(connection: connection).make([flow: 1])[flow]?.id ?? 0
        try await connection.query(
          """
          INSERT INTO scheduler.messages
            (message_id, flow_id, first_number, content, recipients, total, cursor, segments, encoding, accepted_at,
             queued_at, dead, unconfirmed, finished_at, providers, form)
          VALUES (\(id.uuid), \(flowID), 0, '', '{}', \(added.count), \(added.count), \(first.segments),
            \(first.encoding), \(first.acceptedAt.date), \(now.date), \(dead), \(added.count - dead), \(now.date),
            string_to_array(\(first.providers?.joined(separator: ",")), ','), 'restored')
          """)
      } else {
        try await connection.query(
          """
          UPDATE scheduler.messages
          SET total = total + \(added.count), cursor = cursor + \(added.count), dead = dead + \(dead),
              unconfirmed = unconfirmed + \(added.count - dead)
          WHERE message_id = \(id.uuid)
          """)
      }
      try await connection.query(
        """
        INSERT INTO scheduler.units (message_id, unit_index, dispatch, state, attempts_used)
        SELECT \(id.uuid), * FROM unnest(
          \(added.map(\.unit.index)), \(added.map(\.dispatch)), \(added.map(\.state.rawValue)),
          \(added.map(\.attemptsUsed)))
        """)
    }
    return !missing.isEmpty
  }

  /// True when the message may have ended after this death, in whatever way, and been dropped since.
  func isTooOld(_ letter: UnitsDead.Entry) -> Bool { letter.diedAt + Retention.age <= now }

  private func absent(_ letters: [UnitsDead.Entry]) async throws -> [UnitsDead.Entry] {
    let known = try await connection.query(
      """
      SELECT u.message_id, u.unit_index
      FROM unnest(\(letters.map(\.unit.messageID.uuid)), \(letters.map(\.unit.index))) AS p(message_id, unit_index)
      JOIN scheduler.units u USING (message_id, unit_index)
      """
    ).map(UnitID.init)
    return letters.filter { !known.contains($0.unit) }
  }
}

/// The flows that replayed units wait in.
struct ReplayFlows: Sendable {
  var connection: PostgresConnection

  /// Makes flows known.
  /// - Parameter weights: Of those that are new.
  func make(_ weights: [FlowKey: Double]) async throws -> [FlowKey: MessageStore.Flow] {
    // Sorted, so that no two transactions ever lock flows in different orders.
    let keys = weights.keys.sorted(by: <)
    let rows = try await connection.query(
      """
      INSERT INTO scheduler.flows AS f (class, user_id, provider, weight)
      SELECT * FROM unnest(
        \(keys.map(\.messageClass.rawValue)), \(keys.map(\.userID.uuid)), \(keys.map(\.providersText)),
        \(keys.map { weights[$0] ?? 1 }))
      ON CONFLICT (class, user_id, provider) DO UPDATE SET weight = f.weight
      RETURNING flow_id, class, user_id, provider, weight
      """)
    let flows = try rows.map {
      MessageStore.Flow(key: try FlowKey($0), id: try $0.decode("flow_id"), weight: try $0.decode("weight"))
    }
    return Dictionary(flows.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
  }
}
