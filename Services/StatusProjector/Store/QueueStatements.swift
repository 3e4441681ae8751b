import Contracts
import Foundation
import Postgres

extension FoldedBatch {
  /// The statements that store the heads of the queue and what is known of the providers, in order.
  func queueStatements(in schema: ProjectionSchema) -> [PostgresQuery] {
    (queue?.statements(in: schema) ?? []) + providerStatements(in: schema)
  }
}

extension FoldedQueue {
  fileprivate func statements(in schema: ProjectionSchema) -> [PostgresQuery] {
    let waiting = flows.values.filter { $0.backlog > 0 }.sorted { $0.flowID < $1.flowID }
    let ended = flows.values.filter { $0.backlog <= 0 }.map(\.flowID)
    let heads = classes.values.sorted { $0.messageClass.rawValue < $1.messageClass.rawValue }
    return [
      """
      INSERT INTO \(schema).queue (epoch, as_of, virtual_time, global_rate, is_sending)
      VALUES (\(epoch), \(asOf.date), \(virtualTime), \(globalRate as Double?), \(isSending))
      ON CONFLICT (singleton) DO UPDATE SET epoch = excluded.epoch, as_of = excluded.as_of,
        virtual_time = excluded.virtual_time, global_rate = excluded.global_rate, is_sending = excluded.is_sending
      """,
      """
      INSERT INTO \(schema).classes (class, tag, backlog, virtual_time)
      SELECT * FROM unnest(
        \(heads.map(\.messageClass.rawValue))::text[], \(heads.map(\.tag))::bigint[], \(heads.map(\.backlog))::bigint[],
        \(heads.map(\.virtualTime))::bigint[])
      ON CONFLICT (class) DO UPDATE SET tag = excluded.tag, backlog = excluded.backlog,
        virtual_time = excluded.virtual_time
      """,
      replacesFlows
        ? "DELETE FROM \(schema).flows WHERE flow_id <> ALL (\(waiting.map(\.flowID))::bigint[])"
        : "DELETE FROM \(schema).flows WHERE flow_id = ANY (\(ended)::bigint[])",
      """
      INSERT INTO \(schema).flows (flow_id, class, user_id, provider, tag, step, backlog, head_number, holes)
      SELECT flow_id, class, user_id, provider, tag, step, backlog, head_number, holes::jsonb FROM unnest(
        \(waiting.map(\.flowID))::bigint[], \(waiting.map(\.messageClass.rawValue))::text[],
        \(waiting.map(\.userID.uuid))::uuid[], \(waiting.map { StoredText.of($0.provider) })::text[],
        \(waiting.map(\.tag))::bigint[], \(waiting.map(\.step))::bigint[], \(waiting.map(\.backlog))::bigint[],
        \(waiting.map(\.headNumber))::bigint[], \(waiting.map(\.holesText))::text[]
      ) AS t (flow_id, class, user_id, provider, tag, step, backlog, head_number, holes)
      ON CONFLICT (flow_id) DO UPDATE SET class = excluded.class, user_id = excluded.user_id,
        provider = excluded.provider, tag = excluded.tag, step = excluded.step, backlog = excluded.backlog,
        head_number = excluded.head_number, holes = excluded.holes
      """,
    ]
  }
}

extension FlowHead {
  /// As JSON: `[{"segment": 3, "count": 12}]`.
  fileprivate var holesText: String {
    "[\((holes ?? []).map { "{\"segment\":\($0.segment),\"count\":\($0.count)}" }.joined(separator: ","))]"
  }
}
