import Postgres

/// Whether a service can work with its database now.
public enum DatabaseCheck {
  /// Why it cannot, or `nil`. A database that does not answer holds this up; `HealthServer` limits the time.
  public static func reason(_ pool: PostgresPool) async -> String? {
    guard pool.isReady else { return "database not reachable" }
    do {
      let row = try await pool.query(
        "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS is_read_only"
      ).first
      return try row?.decode("is_read_only", as: Bool.self) == false ? nil : "database is read-only"
    } catch {
      return "database does not answer"
    }
  }
}
