import Postgres

/// Makes, empties and exchanges generations of the read tables: all that lies in one schema.
struct GenerationStore: Sendable {
  let pool: PostgresPool

  /// Makes sure that there is such a schema. The service's own role may not make one; `roles.sql` does.
  func open(_ schema: ProjectionSchema) async throws {
    let exists = try await pool.query("SELECT FROM pg_namespace WHERE nspname = \(schema.name)").count > 0
    if !exists { try await pool.query("CREATE SCHEMA \(schema)") }
  }

  /// Drops everything in a schema, not itself.
  func clear(_ schema: ProjectionSchema) async throws {
    try await pool.withTransaction { connection in
      try await connection.execute(
        script: """
          SET LOCAL search_path = pg_catalog;
          SET LOCAL statement_timeout = '10min';
          SET LOCAL client_min_messages = warning;
          \(Self.forEach(in: schema, relation: "DROP %s IF EXISTS %s CASCADE", routine: "DROP ROUTINE IF EXISTS %s CASCADE"))
          """, timeout: .seconds(600))
    }
  }

  /// Moves everything from one schema to another, with its grants. Plans and views follow what they were made over.
  static func move(from source: ProjectionSchema, to target: ProjectionSchema) -> String {
    """
    SET LOCAL search_path = pg_catalog;
    \(forEach(
      in: source, relation: "ALTER %s %s SET SCHEMA \(target.name)",
      routine: "ALTER ROUTINE %s SET SCHEMA \(target.name)"))
    """
  }

  /// Does something with every view, table, free sequence and type, then with every routine of a schema. Names are
  /// looked up as late as possible: what went with something else is passed over.
  private static func forEach(in schema: ProjectionSchema, relation: String, routine: String) -> String {
    """
    DO $$
    DECLARE item record;
    BEGIN
      FOR item IN
        SELECT oid, CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
          WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END AS kind
        FROM pg_class c WHERE relnamespace = '\(schema.name)'::regnamespace AND relkind IN ('v', 'm', 'r', 'p', 'S', 'c')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND c.relkind = 'S' AND d.deptype IN ('a', 'i'))
        ORDER BY relkind = 'v' DESC, oid
      LOOP
        IF EXISTS (SELECT FROM pg_class WHERE oid = item.oid AND relnamespace = '\(schema.name)'::regnamespace) THEN
          EXECUTE format('\(relation)', item.kind, item.oid::regclass);
        END IF;
      END LOOP;
      FOR item IN SELECT oid FROM pg_proc WHERE pronamespace = '\(schema.name)'::regnamespace ORDER BY oid LOOP
        IF EXISTS (SELECT FROM pg_proc WHERE oid = item.oid) THEN
          EXECUTE format('\(routine)', item.oid::regprocedure);
        END IF;
      END LOOP;
    END
    $$;
    """
  }
}
