import Foundation
import Logging
import NIOConcurrencyHelpers
import Postgres

/// A private PostgreSQL server for tests, in a directory of its own and on a loopback port of its own.
///
/// Ends with the test process. A test that stops or restarts the server starts one for itself; all others use `shared()`.
public final class PostgresCluster: Sendable {
  /// How the server is told to end.
  public enum Stop: Sendable {
    /// Sessions are ended, data are written (SIGINT).
    case fast
    /// Everything ends at once, with recovery at the next start (SIGQUIT).
    case immediate
    /// No process gets to say anything (SIGKILL).
    case kill
  }

  /// Thrown when the server cannot be started or stopped.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// Where the server keeps its data, `env`, `pid` and log.
  public let directory: URL

  private static let sharedCluster = NIOLockedValueBox<Task<PostgresCluster, any Error>?>(nil)
  private static let directories = NIOLockedValueBox<[URL]>([])
  private let databases = NIOLockedValueBox(0)

  private init(directory: URL) { self.directory = directory }

  /// The server that all suites of this process share; started by the first who asks.
  public static func shared() async throws -> PostgresCluster {
    try await sharedCluster.withLockedValue { cluster in
      let task = cluster ?? Task { try await start() }
      cluster = task
      return task
    }.value
  }

  /// Starts a server of its own.
  public static func start() async throws -> PostgresCluster {
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("sluice-postgres-\(getpid())-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let isFirst = directories.withLockedValue { directories in
      directories.append(directory)
      return directories.count == 1
    }
    if isFirst { atexit { PostgresCluster.removeAll() } }
    let cluster = PostgresCluster(directory: directory)
    try await cluster.start()
    return cluster
  }

  /// Starts the server again, on the same port and with the same data.
  public func start() async throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let command = Command(
      path: root.appendingPathComponent("deploy/local/postgresql").path, arguments: ["start", directory.path],
      environment: ProcessInfo.processInfo.environment)
    let (code, output) = try await command.run(within: .seconds(120))
    guard code == 0 else { throw Failure(description: "deploy/local/postgresql start failed (\(code)): \(output)") }
  }

  /// Ends the server and returns when its main process is gone, within 20 s.
  public func stop(_ how: Stop) async throws {
    let pid = try processID()
    switch how {
    case .fast: kill(pid, SIGINT)
    case .immediate: kill(pid, SIGQUIT)
    case .kill: kill(pid, SIGKILL)
    }
    let deadline = ContinuousClock.now + .seconds(20)
    while !Self.isGone(pid) {
      guard ContinuousClock.now < deadline else { throw Failure(description: "PostgreSQL \(pid) does not end") }
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  /// The pid of the server's main process.
  public func processID() throws -> Int32 {
    let text = try String(contentsOf: directory.appendingPathComponent("pid"), encoding: .utf8)
    guard let pid = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      throw Failure(description: "no pid in \(directory.path)")
    }
    return pid
  }

  /// The superuser's URL of a database.
  public func url(database: String = "postgres") throws -> String {
    let text = try String(contentsOf: directory.appendingPathComponent("env"), encoding: .utf8)
    let key = "DATABASE_URL="
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(key) }),
      let slash = line.lastIndex(of: "/")
    else { throw Failure(description: "no DATABASE_URL in \(directory.path)") }
    return line[..<slash].dropFirst(key.count) + "/\(database)"
  }

  /// Makes an empty database, with the schema `sluice` and its clock, and returns the superuser's URL of it.
  public func makeDatabase() async throws -> String {
    let name = databases.withLockedValue { count in
      count += 1
      return "test_\(count)"
    }
    try await withPool(url: url()) { try await $0.query("CREATE DATABASE \(unsafeRaw: name)") }
    let url = try url(database: name)
    try await withPool(url: url) { pool in
      try await pool.withConnection {
        try await $0.execute(
          script: """
            CREATE SCHEMA sluice;
            CREATE FUNCTION sluice.clock() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE
              AS 'SELECT pg_catalog.clock_timestamp()'
            """)
      }
    }
    return url
  }

  private func withPool(url: String, _ body: (PostgresPool) async throws -> Void) async throws {
    let pool = PostgresPool(configuration: try PostgresConfiguration(url: url), logger: Logger(label: "test"))
    do {
      try await body(pool)
    } catch {
      await pool.close()
      throw error
    }
    await pool.close()
  }

  private static func isGone(_ pid: Int32) -> Bool {
    // Without an entry in /proc there is no such process; a zombie runs no more.
    guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
      let parenthesis = stat.lastIndex(of: ")")
    else { return true }
    return stat[parenthesis...].dropFirst(2).first == "Z"
  }

  private static func removeAll() {
    for directory in directories.withLockedValue({ $0 }) {
      let cluster = PostgresCluster(directory: directory)
      // What never started has no pid.
      if let pid = try? cluster.processID(), !isGone(pid) {
        kill(pid, SIGQUIT)
        // The process is about to exit, so that nobody can be kept waiting; files that are in use come back.
        let deadline = ContinuousClock.now + .seconds(5)
        while !isGone(pid), ContinuousClock.now < deadline { usleep(10_000) }
      }
      // What cannot be removed stays in the folder for temporary files.
      try? FileManager.default.removeItem(at: directory)
    }
  }
}
