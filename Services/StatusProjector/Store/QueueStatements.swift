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
      INSERT INTO \(schema).classes (class, tag, backlog, virtual_time, turns)
      SELECT class, tag, backlog, virtual_time, turns::jsonb FROM unnest(
        \(heads.map(\.messageClass.rawValue))::text[], \(heads.map(\.tag))::bigint[], \(heads.map(\.backlog))::bigint[],
        \(heads.map(\.virtualTime))::bigint[], \(heads.map { Self.text($0.turns) })::text[]
      ) AS t (class, tag, backlog, virtual_time, turns)
      ON CONFLICT (class) DO UPDATE SET tag = excluded.tag, backlog = excluded.backlog,
        virtual_time = excluded.virtual_time, turns = excluded.turns
      """,
      replacesFlows
        ? "DELETE FROM \(schema).flows WHERE flow_id <> ALL (\(waiting.map(\.flowID))::bigint[])"
        : "DELETE FROM \(schema).flows WHERE flow_id = ANY (\(ended)::bigint[])",
      """
      DELETE FROM \(schema).flows
      WHERE as_of < \(staleBefore?.date)::timestamptz AND flow_id <> ALL (\(waiting.map(\.flowID))::bigint[])
      """,
      """
      INSERT INTO \(schema).flows (flow_id, class, user_id, provider, tag, step, backlog, head_number, holes, returned,
        providers, tags, steps, as_of)
      SELECT flow_id, class, user_id, provider, tag, step, backlog, head_number, holes::jsonb, returned,
        string_to_array(providers, ','), tags::jsonb, steps::jsonb, \(asOf.date)::timestamptz
      FROM unnest(
        \(waiting.map(\.flowID))::bigint[], \(waiting.map(\.messageClass.rawValue))::text[],
        \(waiting.map(\.userID.uuid))::uuid[], \(waiting.map { StoredText.of($0.provider) })::text[],
        \(waiting.map(\.tag))::bigint[], \(waiting.map(\.step))::bigint[], \(waiting.map(\.backlog))::bigint[],
        \(waiting.map(\.headNumber))::bigint[], \(waiting.map(\.holesText))::text[],
        \(waiting.map { $0.returned ?? 0 })::bigint[], \(waiting.map(\.providersText))::text[],
        \(waiting.map { Self.text($0.tags) })::text[], \(waiting.map { Self.text($0.steps) })::text[]
      ) AS t (flow_id, class, user_id, provider, tag, step, backlog, head_number, holes, returned, providers, tags, steps)
      ON CONFLICT (flow_id) DO UPDATE SET class = excluded.class, user_id = excluded.user_id,
        provider = excluded.provider, tag = excluded.tag, step = excluded.step, backlog = excluded.backlog,
        head_number = excluded.head_number, holes = excluded.holes, returned = excluded.returned,
        providers = excluded.providers, tags = excluded.tags, steps = excluded.steps, as_of = excluded.as_of
      """,
    ]
  }

  /// As a JSON object; an empty one for what is not told.
  private static func text(_ values: (some Encodable)?) -> String {
    guard let values, let data = try? JSONEncoder().encode(values) else { return "{}" }
    return StoredText.of(String(decoding: data, as: UTF8.self))
  }
}

extension FlowHead {
  /// Who may carry its SMS, with commas between; `nil` for any provider.
  fileprivate var providersText: String? {
    StoredText.of((provider.map { [$0] } ?? providers)?.joined(separator: ","))
  }

  /// As JSON: `[{"segment": 3, "count": 12, "bits": "/w8="}]`.
  fileprivate var holesText: String {
    let texts = (holes ?? []).map { hole in
      // Base64 needs no escapes, and what else somebody might say of a hole must not break out of its quotes.
      let bits = hole.bits.flatMap { Data(base64Encoded: $0) }.map { ",\"bits\":\"\($0.base64EncodedString())\"" } ?? ""
      return "{\"segment\":\(hole.segment),\"count\":\(hole.count)\(bits)}"
    }
    return "[\(texts.joined(separator: ","))]"
  }
}
