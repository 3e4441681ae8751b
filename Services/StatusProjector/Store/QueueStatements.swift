import Contracts
import Foundation
import Postgres

extension FoldedBatch {
  /// The statements that store the heads of the queue and what is known of the providers, in order.
  var queueStatements: [PostgresQuery] {
    (queue?.statements ?? []) + providerStatements
  }

  private var providerStatements: [PostgresQuery] {
    let providers = providers.map { (name: $0.key, provider: $0.value) }.sorted { $0.name < $1.name }
    let settings = providers.map(\.provider.settings)
    let paces = providers.map(\.provider.pace)
    let names = providers.map { StoredText.of($0.name) }
    var statements: [PostgresQuery] = []
    if replacesProviders {
      statements.append("DELETE FROM projection.providers WHERE provider <> ALL (\(names)::text[])")
    }
    if !providers.isEmpty {
      statements.append(
        """
        INSERT INTO projection.providers AS p (provider, state, adapter, url, rate, window_seconds, weight,
          effective_rate, nominal_rate, in_flight)
        SELECT * FROM unnest(
          \(names)::text[], \(providers.map { StoredText.of($0.provider.state) })::text[],
          \(settings.map { StoredText.of($0?.adapter) })::text[], \(settings.map { StoredText.of($0?.url) })::text[],
          \(settings.map { $0?.rate })::int[], \(settings.map { $0?.windowSeconds })::float8[],
          \(settings.map { $0?.weight })::float8[], \(paces.map { $0?.effectiveRate })::float8[],
          \(paces.map { $0?.nominalRate })::float8[], \(paces.map { $0?.inFlight })::int[])
        ON CONFLICT (provider) DO UPDATE SET
          state = excluded.state, adapter = coalesce(excluded.adapter, p.adapter), url = coalesce(excluded.url, p.url),
          rate = coalesce(excluded.rate, p.rate), window_seconds = coalesce(excluded.window_seconds, p.window_seconds),
          weight = coalesce(excluded.weight, p.weight),
          effective_rate = coalesce(excluded.effective_rate, p.effective_rate),
          nominal_rate = coalesce(excluded.nominal_rate, p.nominal_rate),
          in_flight = coalesce(excluded.in_flight, p.in_flight)
        """)
    }
    return statements
  }
}

extension FoldedQueue {
  fileprivate var statements: [PostgresQuery] {
    let waiting = flows.values.filter { $0.backlog > 0 }.sorted { $0.flowID < $1.flowID }
    let ended = flows.values.filter { $0.backlog <= 0 }.map(\.flowID)
    let heads = classes.values.sorted { $0.messageClass.rawValue < $1.messageClass.rawValue }
    return [
      """
      INSERT INTO projection.queue (epoch, as_of, virtual_time, global_rate, is_sending)
      VALUES (\(epoch), \(asOf.date), \(virtualTime), \(globalRate as Double?), \(isSending))
      ON CONFLICT (singleton) DO UPDATE SET epoch = excluded.epoch, as_of = excluded.as_of,
        virtual_time = excluded.virtual_time, global_rate = excluded.global_rate, is_sending = excluded.is_sending
      """,
      """
      INSERT INTO projection.classes (class, tag, backlog, virtual_time)
      SELECT * FROM unnest(
        \(heads.map(\.messageClass.rawValue))::text[], \(heads.map(\.tag))::bigint[], \(heads.map(\.backlog))::bigint[],
        \(heads.map(\.virtualTime))::bigint[])
      ON CONFLICT (class) DO UPDATE SET tag = excluded.tag, backlog = excluded.backlog,
        virtual_time = excluded.virtual_time
      """,
      replacesFlows
        ? "DELETE FROM projection.flows WHERE flow_id <> ALL (\(waiting.map(\.flowID))::bigint[])"
        : "DELETE FROM projection.flows WHERE flow_id = ANY (\(ended)::bigint[])",
      """
      INSERT INTO projection.flows (flow_id, class, user_id, provider, tag, step, backlog, head_number)
      SELECT * FROM unnest(
        \(waiting.map(\.flowID))::bigint[], \(waiting.map(\.messageClass.rawValue))::text[],
        \(waiting.map(\.userID.uuid))::uuid[], \(waiting.map { StoredText.of($0.provider) })::text[],
        \(waiting.map(\.tag))::bigint[], \(waiting.map(\.step))::bigint[], \(waiting.map(\.backlog))::bigint[],
        \(waiting.map(\.headNumber))::bigint[])
      ON CONFLICT (flow_id) DO UPDATE SET class = excluded.class, user_id = excluded.user_id,
        provider = excluded.provider, tag = excluded.tag, step = excluded.step, backlog = excluded.backlog,
        head_number = excluded.head_number
      """,
    ]
  }
}
