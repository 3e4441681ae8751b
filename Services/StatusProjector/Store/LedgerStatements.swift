import Contracts
import Foundation
import Postgres

extension FoldedBatch {
  /// Compares what the scheduler counted at earlier marks, then remembers the tables at the batch's own.
  func ledgerStatements(in schema: ProjectionSchema) -> [PostgresQuery] {
    counts.flatMap { $0.statements(in: schema) } + (mark.map { [$0.statement(in: schema)] } ?? [])
  }
}

extension FoldedMark {
  /// Nobody compares a mark that is old: none is kept when the log is caught up with.
  fileprivate func statement(in schema: ProjectionSchema) -> PostgresQuery {
    """
    WITH marked AS (
      INSERT INTO \(schema).ledger_marks (mark, marked_at)
      SELECT \(id.uuid), \(at.date)
      WHERE \(at.date) > sluice.clock() - \(LoggedFact.markLife / .seconds(1)) * interval '1 second'
      ON CONFLICT DO NOTHING
      RETURNING mark
    )
    INSERT INTO \(schema).ledger_mark_buckets (mark, bucket, counts)
    SELECT m.mark, b.bucket, ARRAY[messages, \(unsafeRaw: FoldedCount.columns)]
    FROM marked m CROSS JOIN \(schema).ledger_buckets b WHERE b.messages <> 0
    """
  }
}

extension FoldedCount {
  /// In the order of all counts of the ledger.
  fileprivate static let states: [UnitState] = [
    .pending, .sending, .retrying, .sent, .failed, .dead, .expired, .cancelled, .unconfirmed,
  ]
  fileprivate static let columns = states.map(\.rawValue).joined(separator: ", ")

  /// Of a mark that is not known nothing is said.
  fileprivate func statements(in schema: ProjectionSchema) -> [PostgresQuery] {
    let buckets = Dictionary(buckets.map { ($0.bucket, $0) }, uniquingKeysWith: { $1 }).values
      .sorted { $0.bucket < $1.bucket }
    let counts = buckets.map { bucket in
      let numbers = [bucket.messages] + Self.states.map { bucket.counts[$0] }
      return "{\(numbers.map(String.init).joined(separator: ","))}"
    }
    return [
      """
      WITH marked AS (
        SELECT marked_at FROM \(schema).ledger_marks WHERE mark = \(mark.uuid)
      ), compared AS (
        SELECT bucket, coalesce(t.counts::int[], array_fill(0, ARRAY[10])) AS told,
          coalesce(o.counts, array_fill(0, ARRAY[10])) AS own
        FROM unnest(\(buckets.map(\.bucket))::int[], \(counts)::text[]) AS t (bucket, counts)
        FULL JOIN (
          SELECT bucket, counts FROM \(schema).ledger_mark_buckets WHERE mark = \(mark.uuid)
        ) o USING (bucket)
      ), cleared AS (
        DELETE FROM \(schema).ledger_differences d
        WHERE EXISTS (SELECT FROM marked)
          AND NOT EXISTS (SELECT FROM compared c WHERE c.bucket = d.bucket AND c.told <> c.own)
      ), noted AS (
        INSERT INTO \(schema).ledger_differences (bucket, since, seen_at, told, own)
        SELECT bucket, marked_at, marked_at, told, own FROM compared CROSS JOIN marked WHERE told <> own
        ON CONFLICT (bucket) DO UPDATE SET seen_at = excluded.seen_at, told = excluded.told, own = excluded.own
      )
      UPDATE \(schema).ledger_comparison c SET marked_at = greatest(c.marked_at, m.marked_at) FROM marked m
      """,
      """
      DELETE FROM \(schema).ledger_marks
      WHERE marked_at <= (SELECT marked_at FROM \(schema).ledger_marks WHERE mark = \(mark.uuid))
        OR marked_at < sluice.clock() - \(LoggedFact.markLife / .seconds(1)) * interval '1 second'
      """,
    ]
  }
}
