import Postgres

/// A schema that holds one generation of the read tables.
///
/// Migrations name nothing by schema: they run with theirs first in the search path, so every generation is made by the
/// same text. Statements name it: `INSERT INTO \(schema).messages …`.
struct ProjectionSchema: Sendable, Hashable {
  /// An SQL identifier that needs no quotes; never from outside.
  let name: String

  /// What everybody reads.
  static let live = ProjectionSchema(name: "projection")
  /// Where a rebuild makes the next generation.
  static let rebuild = ProjectionSchema(name: "projection_rebuild")
  /// Where the generation before lies until it is dropped.
  static let retired = ProjectionSchema(name: "projection_retired")
}

extension PostgresQuery.StringInterpolation {
  mutating func appendInterpolation(_ schema: ProjectionSchema) { appendInterpolation(unsafeRaw: schema.name) }
}
