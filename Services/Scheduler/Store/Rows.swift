import Contracts
import Foundation
import Metering
import Postgres

extension FlowKey {
  /// Reads the columns class, user_id and provider.
  init(_ row: PostgresRow) throws {
    let name: String = try row.decode("class")
    guard let messageClass = MessageClass(rawValue: name) else { throw StoreError.unexpectedValue(column: "class") }
    let providers: String = try row.decode("provider")
    self.init(
      messageClass: messageClass, userID: UserID(try row.decode("user_id", as: UUID.self)),
      providers: providers.isEmpty ? nil : providers.split(separator: ",").map(String.init))
  }

  /// As the column provider holds the set: names with commas between, in order; empty for any provider.
  var providersText: String { providers?.joined(separator: ",") ?? "" }

  /// The order in which transactions lock flows.
  static func < (left: FlowKey, right: FlowKey) -> Bool {
    (left.messageClass.rawValue, left.userID, left.providersText) < (
      right.messageClass.rawValue, right.userID, right.providersText
    )
  }
}

extension MessageID {
  /// Reads the column message_id.
  init(_ row: PostgresRow) throws { self.init(try row.decode("message_id", as: UUID.self)) }
}

extension UnitID {
  /// Reads the columns message_id and unit_index.
  init(_ row: PostgresRow) throws { self.init(messageID: try MessageID(row), index: try row.decode("unit_index")) }
}

extension UnitState {
  /// Reads a column that holds a state.
  init(_ row: PostgresRow, _ column: String = "state") throws {
    guard let state = UnitState(rawValue: try row.decode(column)) else {
      throw StoreError.unexpectedValue(column: column)
    }
    self = state
  }
}

extension UnitCounts {
  /// Reads the columns of the final states.
  init(_ row: PostgresRow) throws {
    self.init()
    sent = try row.decode("sent")
    failed = try row.decode("failed")
    dead = try row.decode("dead")
    expired = try row.decode("expired")
    cancelled = try row.decode("cancelled")
    unconfirmed = try row.decode("unconfirmed")
  }
}

extension OutcomeStore.Returned {
  /// Reads a unit that waits, with its flow.
  init(_ row: PostgresRow) throws {
    let state = try UnitState(row)
    let dispatch: Int = try row.decode("dispatch")
    self.init(
      unit: ReturnedUnit(
        unit: try UnitID(row), expectedDispatch: dispatch, expectedState: state,
        nextDispatch: state == .pending ? dispatch : dispatch + 1, segments: try row.decode("segments"),
        avoided: try row.decode("failed_providers"), allowed: try row.decode("providers")),
      flow: try FlowKey(row), dueAt: try row.decode("due_at", as: Date?.self).map(Timestamp.init))
  }

  /// Units that came back and wait, the last first: each is put before the others. What a cancelled replay has not given
  /// back yet waits no longer.
  /// - Parameters:
  ///   - condition: Which ones, of units `u` of messages `m`, in replays `r` if any.
  ///   - order: In which order else, and how many.
  static func waiting(
    where condition: PostgresQuery, order: PostgresQuery = "m.first_number DESC, u.unit_index DESC",
    _ connection: PostgresConnection
  ) async throws -> [Self] {
    try await connection.query(
      """
      SELECT u.message_id, u.unit_index, u.dispatch, u.state, u.due_at, u.failed_providers, m.segments, m.providers,
        f.class, f.user_id, f.provider
      FROM scheduler.units u
      JOIN scheduler.messages m USING (message_id)
      LEFT JOIN scheduler.replayed r USING (message_id, unit_index)
      LEFT JOIN scheduler.cancelled_replays c ON c.replay_id = r.replay_id
      JOIN scheduler.flows f ON f.flow_id = coalesce(r.flow_id, m.flow_id)
      WHERE u.state IN ('pending', 'retrying') AND c.replay_id IS NULL AND \(condition)
      ORDER BY \(order)
      """
    ).map(Self.init)
  }
}
