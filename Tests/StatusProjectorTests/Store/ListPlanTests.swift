import Foundation
import Postgres
import TestSupport
import Testing

@testable import StatusProjector

extension ServerSuites {
  /// Which index a list is read by, as the gateway asks for it.
  @Suite struct ListPlanTests {
    private func plan(_ condition: String, in database: ProjectionDatabase) async throws -> String {
      let rows = try await database.pool.query(
        """
        EXPLAIN SELECT message_id FROM projection.messages_read m WHERE \(unsafeRaw: condition)
        ORDER BY m.accepted_at DESC, m.message_id DESC LIMIT 51
        """)
      return try rows.map { try $0.decode("QUERY PLAN", as: String.self) }.joined(separator: "\n")
    }

    @Test(
      "The list of a user with few messages never goes through everybody's, and everybody's has an index of its own")
    func plans() async throws {
      let database = try await ProjectionDatabase.migrated()
      let (busy, quiet) = (UUID(), UUID())
      try await database.pool.query(
        """
        INSERT INTO projection.messages (message_id, user_id, class, content, segments, encoding, recipient_count,
          accepted_at, changed_at, sent)
        SELECT gen_random_uuid(), \(busy), 'normal', 'x', 1, 'gsm7', 1, now() - n * interval '1 s', now(), 1
        FROM generate_series(1, 20000) n
        """)
      // Statistics that know one user alone, and no visibility map: what led the planner astray.
      try await database.pool.query("ANALYZE projection.messages")
      for user in [busy, quiet] {
        let found = try await plan("m.user_id = (SELECT '\(user)'::uuid)", in: database)
        #expect(found.contains("messages_user_newest_idx") && !found.contains("messages_newest_idx"), "\(found)")
      }
      let everybody = try await plan("m.recipient_count > 0", in: database)
      #expect(everybody.contains("messages_newest_idx"), "\(everybody)")
      await database.pool.close()
    }
  }
}
