import Postgres

/// Makes, empties and exchanges generations of the read tables: all that lies in one schema.
struct GenerationStore: Sendable {
  let pool: PostgresPool

  /// Makes sure that there is such a schema. The service's own role may not make one; `roles.sql` does.
  func open(_ schema: ProjectionSchema) async throws {
    let exists = try await pool.query("SELECT FROM pg_namespace WHERE nspname = \(schema.name)").count > 0
    if !exists { try await pool.query("CREATE SCHEMA \(schema)") }
  }

  /// Whether there is nothing in a schema.
  func isEmpty(_ schema: ProjectionSchema) async throws -> Bool {
    try await pool.query(
      "SELECT FROM pg_class WHERE relnamespace = \(schema.name)::text::regnamespace LIMIT 1"
    ).isEmpty
  }

  /// Views of other schemas that are made over tables and views of this one.
  func dependents(of schema: ProjectionSchema) async throws -> [String] {
    try await pool.query(
      """
      SELECT DISTINCT format('%I.%I', n.nspname, v.relname) AS name
      FROM pg_depend d JOIN pg_class t ON d.refclassid = 'pg_class'::regclass AND t.oid = d.refobjid
      JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
      JOIN pg_class v ON v.oid = r.ev_class JOIN pg_namespace n ON n.oid = v.relnamespace
      WHERE t.relnamespace = to_regnamespace(\(schema.name)) AND v.relnamespace <> t.relnamespace ORDER BY 1
      """
    ).map { try $0.decode("name") }
  }

  /// Gives everybody the rights on the things of one schema that they have on the things of the same name in another.
  static func copyGrants(from source: ProjectionSchema, to target: ProjectionSchema) -> String {
    """
    SET LOCAL search_path = pg_catalog;
    DO $$
    DECLARE item record;
    BEGIN
      FOR item IN
        SELECT format('GRANT %s ON TABLE %I.%I TO %s%s', g.privilege_type, '\(target.name)', n.relname,
          CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
          CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS statement
        FROM pg_class o CROSS JOIN LATERAL aclexplode(o.relacl) g
        JOIN pg_class n ON n.relname = o.relname AND n.relnamespace = '\(target.name)'::regnamespace
        WHERE o.relnamespace = '\(source.name)'::regnamespace AND o.relkind IN ('r', 'v') AND g.grantee <> o.relowner
        UNION ALL
        SELECT format('GRANT EXECUTE ON FUNCTION %s TO %s', n.oid::regprocedure,
          CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END)
        FROM pg_proc o CROSS JOIN LATERAL aclexplode(o.proacl) g
        JOIN pg_proc n ON n.proname = o.proname AND n.pronamespace = '\(target.name)'::regnamespace
          AND pg_get_function_identity_arguments(n.oid) = pg_get_function_identity_arguments(o.oid)
        WHERE o.pronamespace = '\(source.name)'::regnamespace AND g.grantee <> o.proowner
      LOOP
        EXECUTE item.statement;
      END LOOP;
    END
    $$;
    """
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
        SELECT oid, relname, CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
          WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END AS kind
        FROM pg_class c WHERE relnamespace = '\(schema.name)'::regnamespace AND relkind IN ('v', 'm', 'r', 'p', 'S', 'c')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND c.relkind = 'S' AND d.deptype IN ('a', 'i'))
        ORDER BY relkind = 'v' DESC, oid
      LOOP
        IF EXISTS (SELECT FROM pg_class WHERE oid = item.oid AND relnamespace = '\(schema.name)'::regnamespace) THEN
          EXECUTE format('\(relation)', item.kind, format('%I.%I', '\(schema.name)', item.relname));
        END IF;
      END LOOP;
      FOR item IN
        SELECT oid, format('%I.%I(%s)', '\(schema.name)', proname, pg_get_function_identity_arguments(oid)) AS signature
        FROM pg_proc WHERE pronamespace = '\(schema.name)'::regnamespace ORDER BY oid
      LOOP
        IF EXISTS (SELECT FROM pg_proc WHERE oid = item.oid AND pronamespace = '\(schema.name)'::regnamespace) THEN
          EXECUTE format('\(routine)', item.signature);
        END IF;
      END LOOP;
    END
    $$;
    """
  }
}
