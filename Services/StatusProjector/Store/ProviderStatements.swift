import Contracts
import Foundation
import Postgres

extension FoldedBatch {
  /// Stores what is known of the providers. Settings that were not told stay; a pace is told whole, so it replaces the one
  /// before.
  func providerStatements(in schema: ProjectionSchema) -> [PostgresQuery] {
    let providers = providers.map { (name: $0.key, provider: $0.value) }.sorted { $0.name < $1.name }
    let names = providers.map { StoredText.of($0.name) }
    var statements: [PostgresQuery] = []
    if replacesProviders {
      statements.append("DELETE FROM \(schema).providers WHERE provider <> ALL (\(names)::text[])")
    }
    if !providers.isEmpty { statements.append(Self.merge(names, providers.map(\.provider), in: schema)) }
    return statements
  }

  private static func merge(
    _ names: [String], _ providers: [FoldedProvider], in schema: ProjectionSchema
  ) -> PostgresQuery {
    let settings = providers.map(\.settings)
    let paces = providers.map(\.pace)
    return """
      INSERT INTO \(schema).providers AS p (provider, state, pause_reason, weight, adapter, url, rate, window_seconds,
        overridden, effective_rate, nominal_rate, in_flight, gate_opens_at, unhealthy_until, successes, failures, sent,
        current)
      SELECT provider, state, pause_reason, weight, adapter, url, rate, window_seconds,
        coalesce(string_to_array(overridden, ','), '{}'), effective_rate, nominal_rate, in_flight, gate_opens_at,
        unhealthy_until, successes, failures, sent, current
      FROM unnest(
        \(names)::text[], \(providers.map { StoredText.of($0.state) })::text[],
        \(providers.map { StoredText.of($0.pauseReason) })::text[], \(providers.map(\.weight))::float8[],
        \(settings.map { StoredText.of($0?.adapter) })::text[], \(settings.map { StoredText.of($0?.url) })::text[],
        \(settings.map { $0?.rate })::int[], \(settings.map { $0?.windowSeconds })::float8[],
        \(settings.map { StoredText.of($0.map { ($0.overridden ?? []).joined(separator: ",") }) })::text[],
        \(paces.map { $0?.effectiveRate })::float8[], \(paces.map { $0?.nominalRate })::float8[],
        \(paces.map { $0?.inFlight })::int[], \(paces.map { $0?.gateOpensAt?.date })::timestamptz[],
        \(paces.map { $0?.unhealthyUntil?.date })::timestamptz[], \(paces.map { $0?.successes })::int[],
        \(paces.map { $0?.failures })::int[], \(paces.map { $0?.sent })::bigint[], \(paces.map { $0?.current })::int[]
      ) AS t (provider, state, pause_reason, weight, adapter, url, rate, window_seconds, overridden, effective_rate,
        nominal_rate, in_flight, gate_opens_at, unhealthy_until, successes, failures, sent, current)
      ON CONFLICT (provider) DO UPDATE SET
        state = excluded.state, pause_reason = excluded.pause_reason, weight = coalesce(excluded.weight, p.weight),
        \(unsafeRaw: kept(["adapter", "url", "rate", "window_seconds", "overridden"], unless: "adapter")),
        \(unsafeRaw: kept(paceColumns, unless: "nominal_rate"))
      """
  }

  private static let paceColumns = [
    "effective_rate", "nominal_rate", "in_flight", "gate_opens_at", "unhealthy_until", "successes", "failures", "sent",
    "current",
  ]

  /// Columns that stay as they are unless the batch tells them all, which this one of them shows.
  private static func kept(_ columns: [String], unless told: String) -> String {
    columns.map { "\($0) = CASE WHEN excluded.\(told) IS NULL THEN p.\($0) ELSE excluded.\($0) END" }
      .joined(separator: ", ")
  }
}
