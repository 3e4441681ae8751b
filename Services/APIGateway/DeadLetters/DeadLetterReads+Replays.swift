import Contracts
import Foundation
import Postgres

extension DeadLetterReads {
  /// Up to `limit` replays, newest first, behind a cursor.
  func replays(after cursor: PageCursor?, limit: Int) async throws -> [ReplayRow] {
    let behind: PostgresQuery =
      cursor.map { "AND (requested_at, id) < (\($0.acceptedAt.date), \($0.messageID.uuid))" } ?? ""
    return try await pool.query(
      """
      SELECT \(unsafeRaw: ReplayRow.columns) FROM dead_letter.requests_read
      WHERE kind = 'replay' \(behind) ORDER BY requested_at DESC, id DESC LIMIT \(limit)
      """
    ).map(ReplayRow.init)
  }

  func replay(_ id: ReplayID) async throws -> ReplayRow? {
    try await pool.query(
      """
      SELECT \(unsafeRaw: ReplayRow.columns) FROM dead_letter.requests_read WHERE kind = 'replay' AND id = \(id.uuid)
      """
    ).first.map(ReplayRow.init)
  }

  /// The same replays, with what has come of them.
  func withResults(_ replays: some Sequence<ReplayRow>) async throws -> [ReplayRow] {
    let replays = Array(replays)
    guard !replays.isEmpty else { return [] }
    var results: [ReplayID: ReplayResults] = [:]
    let rows = try await pool.query(
      """
      SELECT request_id, result, count(*) AS letters FROM dead_letter.request_letters_read
      WHERE request_id = ANY (\(replays.map(\.id.uuid))) GROUP BY request_id, result
      """)
    for row in rows {
      results[ReplayID(try row.decode("request_id", as: UUID.self)), default: ReplayResults()]
        .add(try row.decode("result"), try row.decode("letters"))
    }
    return replays.map { replay in
      var replay = replay
      replay.results = results[replay.id] ?? ReplayResults()
      return replay
    }
  }
}
