import Contracts
import Foundation
import Postgres

extension FoldedBatch {
  /// Ends the units of cut messages, each message as one range, and carries them over to the counts.
  ///
  /// They come after the units that the batch tells of one by one: of those the higher version stays.
  func cutStatements(in schema: ProjectionSchema) -> [PostgresQuery] {
    UnitState.allCases.flatMap { state in
      Self.pieces(cuts[state] ?? [:]).map { Self.cut($0, to: state, in: schema) }
    }
  }

  /// Units in one statement, but for one message that has more: each stays far within the statement's time limit.
  private static let unitLimit = 20_000

  private static func pieces(_ cuts: [MessageID: FoldedCut]) -> [[(id: MessageID, cut: FoldedCut)]] {
    var pieces: [[(id: MessageID, cut: FoldedCut)]] = []
    var units = unitLimit
    for (id, cut) in cuts.sorted(by: { $0.key < $1.key }) {
      if units >= unitLimit {
        pieces.append([])
        units = 0
      }
      pieces[pieces.count - 1].append((id, cut))
      units += cut.total - cut.fromIndex
    }
    return pieces
  }

  private static func cut(
    _ cuts: [(id: MessageID, cut: FoldedCut)], to state: UnitState, in schema: ProjectionSchema
  ) -> PostgresQuery {
    let version = Int64(UnitVersion.of(dispatch: 0, state: state))
    return """
      WITH cut AS (
        SELECT * FROM unnest(
          \(cuts.map(\.id.uuid))::uuid[], \(cuts.map(\.cut.fromIndex))::int[], \(cuts.map(\.cut.total))::int[],
          \(cuts.map(\.cut.at.date))::timestamptz[]
        ) AS t (message_id, from_index, total, changed_at)
      ), told AS (
        SELECT c.message_id, i AS unit_index, c.changed_at
        FROM cut c CROSS JOIN LATERAL generate_series(c.from_index, c.total - 1) AS i
      ), merged AS (
        INSERT INTO \(schema).recipients AS r (message_id, unit_index, version, state, changed_at)
        SELECT message_id, unit_index, \(version), \(state.rawValue), changed_at FROM told
        ON CONFLICT (message_id, unit_index) DO UPDATE SET
          version = excluded.version, state = excluded.state, provider = NULL, changed_at = excluded.changed_at
        WHERE excluded.version > r.version
      ), moved AS (
        SELECT message_id, count(*) AS ended, max(changed_at) AS changed_at,
          \(unsafeRaw: losses)
        FROM (
          SELECT t.message_id, t.changed_at, r.state AS old_state
          FROM told t LEFT JOIN \(schema).recipients r USING (message_id, unit_index)
          WHERE \(version) > coalesce(r.version, -1)
        ) u
        GROUP BY message_id
      )
      UPDATE \(schema).messages m SET
        \(unsafeRaw: changes(to: state)),
        changed_at = greatest(m.changed_at, n.changed_at)
      FROM moved n
      WHERE m.message_id = n.message_id
      """
  }

  /// How many units each state lost.
  private static let losses = UnitState.allCases.map { state in
    "count(*) FILTER (WHERE old_state = '\(state.rawValue)') AS \(state.rawValue)"
  }.joined(separator: ", ")

  private static func changes(to state: UnitState) -> String {
    UnitState.allCases.map { other in
      "\(other.rawValue) = m.\(other.rawValue) - n.\(other.rawValue)\(other == state ? " + n.ended" : "")"
    }.joined(separator: ", ")
  }
}
