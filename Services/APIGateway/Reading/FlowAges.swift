import Contracts
import Foundation
import Metering
import Postgres

extension ReadStore {
  /// When the oldest message was accepted that waits in each flow of these users.
  func oldestPending(of users: Set<UserID>) async throws -> [FlowKey: Timestamp] {
    let rows = try await pool.query(
      """
      SELECT f.class, f.user_id, f.providers, oldest.accepted_at FROM projection.flows_read f
      CROSS JOIN LATERAL (
        SELECT m.accepted_at FROM projection.messages_read m
        WHERE m.flow_id = f.flow_id AND m.is_open AND m.pending + m.retrying > 0
        ORDER BY m.first_number LIMIT 1) oldest
      WHERE f.user_id = ANY (\(users.map(\.uuid)))
      """)
    var ages: [FlowKey: Timestamp] = [:]
    for row in rows {
      let key = FlowKey(
        messageClass: try row.decodeName("class"), userID: UserID(try row.decode("user_id", as: UUID.self)),
        providers: try row.decode("providers"))
      ages[key] = try row.decodeTime("accepted_at")
    }
    return ages
  }
}
