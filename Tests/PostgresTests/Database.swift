import Logging
import Postgres
import TestSupport

/// A pool on a fresh database of the shared server, closed at the end.
func withPool<Result>(
  _ configure: (inout PostgresConfiguration) -> Void = { _ in },
  url: String? = nil,
  _ body: (PostgresPool) async throws -> Result
) async throws -> Result {
  let database: String
  if let url { database = url } else { database = try await PostgresCluster.shared().makeDatabase() }
  var configuration = try PostgresConfiguration(url: database)
  configure(&configuration)
  let pool = PostgresPool(configuration: configuration, logger: Logger(label: "test"))
  do {
    let result = try await body(pool)
    await pool.close()
    return result
  } catch {
    await pool.close()
    throw error
  }
}

/// The error that an operation ends with; `nil` when it succeeds or throws another type.
func postgresError<Result>(_ body: () async throws -> Result) async -> PostgresError? {
  do {
    _ = try await body()
    return nil
  } catch { return error as? PostgresError }
}

/// Repeats a condition until it holds or 10 s have passed.
func holds(_ condition: () async throws -> Bool) async throws -> Bool {
  let deadline = ContinuousClock.now + .seconds(10)
  while ContinuousClock.now < deadline {
    if try await condition() { return true }
    try await Task.sleep(for: .milliseconds(10))
  }
  return false
}

extension PostgresConnection {
  /// The pid of the server process of this session.
  func processID() async throws -> Int {
    try await query("SELECT pg_backend_pid() AS pid").first?.decode("pid") ?? 0
  }
}
