import Contracts
import Foundation
import Postgres

extension FoldedBatch {
  /// Holds messages and users back, or lets them go on; what is stored and later stays.
  func pauseStatements(in schema: ProjectionSchema) -> [PostgresQuery] {
    var messages: [(id: MessageID, pause: FoldedPause)] = []
    var users: [(id: UserID, pause: FoldedPause)] = []
    for (target, pause) in pauses {
      switch target {
      case .message(let id): messages.append((id, pause))
      case .user(let id): users.append((id, pause))
      }
    }
    return [
      Self.pause(messages.sorted { $0.id < $1.id }, in: schema), Self.pause(users.sorted { $0.id < $1.id }, in: schema),
    ].compactMap { $0 }
  }

  private static func pause(
    _ messages: [(id: MessageID, pause: FoldedPause)], in schema: ProjectionSchema
  ) -> PostgresQuery? {
    guard !messages.isEmpty else { return nil }
    return """
      UPDATE \(schema).messages m SET paused = t.paused, pause_changed_at = t.changed_at
      FROM unnest(
        \(messages.map(\.id.uuid))::uuid[], \(messages.map(\.pause.isPaused))::boolean[],
        \(messages.map(\.pause.changedAt.date))::timestamptz[]
      ) AS t (message_id, paused, changed_at)
      WHERE m.message_id = t.message_id
        AND (m.pause_changed_at IS NULL OR (t.changed_at, t.paused) > (m.pause_changed_at, m.paused))
      """
  }

  private static func pause(
    _ users: [(id: UserID, pause: FoldedPause)], in schema: ProjectionSchema
  ) -> PostgresQuery? {
    guard !users.isEmpty else { return nil }
    return """
      INSERT INTO \(schema).user_pauses AS p (user_id, paused, changed_at)
      SELECT * FROM unnest(
        \(users.map(\.id.uuid))::uuid[], \(users.map(\.pause.isPaused))::boolean[],
        \(users.map(\.pause.changedAt.date))::timestamptz[])
      ON CONFLICT (user_id) DO UPDATE SET paused = excluded.paused, changed_at = excluded.changed_at
      WHERE (excluded.changed_at, excluded.paused) > (p.changed_at, p.paused)
      """
  }
}
