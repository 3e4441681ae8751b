import Contracts
import Foundation
import Postgres

extension FoldedBatch {
  /// Merges attempts and carries the results that are new, or that replaced another, over to `throughput`.
  ///
  /// `counted` sees the table as it was when the statement began: it takes off what an attempt was counted as and adds
  /// what it is now. A repeat changes nothing; a late answer moves from the old minute to the new one.
  func mergeAttempts(in schema: ProjectionSchema) -> PostgresQuery? {
    guard !attempts.isEmpty else { return nil }
    let attempts = attempts.map { (id: $0.key, attempt: $0.value) }.sorted { left, right in
      left.id.unit == right.id.unit ? left.id.dispatch < right.id.dispatch : left.id.unit.precedes(right.id.unit)
    }
    let results = attempts.map(\.attempt.result)
    return """
      WITH told AS (
        SELECT * FROM unnest(
          \(attempts.map(\.id.messageID.uuid))::uuid[], \(attempts.map(\.id.index))::int[],
          \(attempts.map(\.id.dispatch))::int[], \(attempts.map(\.attempt.provider))::text[],
          \(attempts.map(\.attempt.dispatchedAt?.date))::timestamptz[], \(results.map { $0?.order })::bigint[],
          \(results.map { $0?.outcome?.rawValue })::text[], \(results.map { $0?.reply?.status })::int[],
          \(results.map { $0?.reply?.body })::text[], \(results.map { $0?.errorCode })::text[],
          \(results.map { $0?.startedAt?.date })::timestamptz[], \(results.map { $0?.finishedAt.date })::timestamptz[]
        ) AS t (message_id, unit_index, dispatch, provider, dispatched_at, result_order, outcome, reply_status,
          reply_body, error_code, started_at, finished_at)
      ), merged AS (
        INSERT INTO \(schema).attempts AS a (message_id, unit_index, dispatch, provider, dispatched_at, result_order,
          outcome, reply_status, reply_body, error_code, started_at, finished_at)
        SELECT * FROM told
        ON CONFLICT (message_id, unit_index, dispatch) DO UPDATE SET
          provider = coalesce(a.provider, excluded.provider),
          dispatched_at = coalesce(a.dispatched_at, excluded.dispatched_at),
          result_order = greatest(a.result_order, excluded.result_order),
          outcome = \(unsafeRaw: higher("outcome")),
          reply_status = \(unsafeRaw: higher("reply_status")),
          reply_body = \(unsafeRaw: higher("reply_body")),
          error_code = \(unsafeRaw: higher("error_code")),
          started_at = \(unsafeRaw: higher("started_at")),
          finished_at = \(unsafeRaw: higher("finished_at"))
        WHERE excluded.result_order > coalesce(a.result_order, 0)
          OR (a.dispatched_at IS NULL AND excluded.dispatched_at IS NOT NULL)
          OR (a.provider IS NULL AND excluded.provider IS NOT NULL)
      ), counted AS (
        SELECT c.* FROM told t LEFT JOIN \(schema).attempts a USING (message_id, unit_index, dispatch)
        CROSS JOIN LATERAL (VALUES
          (a.provider, a.outcome, a.finished_at, -1),
          (coalesce(a.provider, t.provider),
            CASE WHEN t.result_order > coalesce(a.result_order, 0) THEN t.outcome ELSE a.outcome END,
            CASE WHEN t.result_order > coalesce(a.result_order, 0) THEN t.finished_at ELSE a.finished_at END, 1)
        ) AS c (provider, outcome, finished_at, weight)
      ), summed AS (
        SELECT date_trunc('minute', finished_at, 'UTC') AS minute, provider,
          coalesce(sum(weight) FILTER (WHERE outcome = 'accepted'), 0) AS sent,
          coalesce(sum(weight) FILTER (WHERE outcome IN ('rejected', 'retryable', 'unknown')), 0) AS failed
        FROM counted
        WHERE outcome IN ('accepted', 'rejected', 'retryable', 'unknown') AND provider IS NOT NULL
        GROUP BY 1, 2
      )
      INSERT INTO \(schema).throughput AS t (minute, provider, sent, failed)
      SELECT minute, provider, sent, failed FROM summed WHERE sent <> 0 OR failed <> 0 ORDER BY minute, provider
      ON CONFLICT (minute, provider) DO UPDATE SET sent = t.sent + excluded.sent, failed = t.failed + excluded.failed
      """
  }

  private func higher(_ column: String) -> String {
    """
    CASE WHEN excluded.result_order > coalesce(a.result_order, 0) THEN excluded.\(column) ELSE a.\(column) END
    """
  }
}
