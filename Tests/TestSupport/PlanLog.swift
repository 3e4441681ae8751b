import Foundation
import Logging
import Postgres

/// How PostgreSQL carries out every statement of a database, as `auto_explain` logs it: for statements that must be served by
/// an index however large their tables are. Sequential scans, hash and merge joins are made as dear as can be, so that what
/// is left of them is what no index can serve.
public struct PlanLog: Sendable {
  private let cluster: PostgresCluster
  private let url: String
  private let database: String

  /// - Parameter url: A database of `cluster`, whose schemas are made already.
  public init(cluster: PostgresCluster, url: String) async throws {
    self.cluster = cluster
    self.url = url
    database = url.split(separator: "/").last.map(String.init) ?? ""
    let settings = [
      "session_preload_libraries": "auto_explain", "auto_explain.log_min_duration": "0",
      "auto_explain.log_format": "json", "auto_explain.log_verbose": "on", "auto_explain.log_nested_statements": "on",
      "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
    ]
    try await withPool { pool in
      for (name, value) in settings {
        try await pool.query(
          "ALTER DATABASE \(unsafeRaw: database) SET \(unsafeRaw: name) = \(unsafeRaw: "'\(value)'")")
      }
    }
  }

  /// Runs statements on a new pool.
  /// - Returns: Every look at a table or an index without a condition that an index serves: `Seq Scan on schema.table: SQL`.
  public func unserved(_ body: (PostgresPool) async throws -> Void) async throws -> [String] {
    let file = cluster.directory.appendingPathComponent("server.log")
    let start = try Data(contentsOf: file).count
    try await withPool(body)
    let text = String(decoding: try Data(contentsOf: file).dropFirst(start), as: UTF8.self)
    var found: [String] = []
    var json: [Substring]?
    for line in text.split(separator: "\n") + [Substring()] {
      if line.hasPrefix("\t") {
        json?.append(line)
      } else {
        if let lines = json, let plan = try Self.parse(lines.joined(separator: "\n")) {
          Self.look(at: plan["Plan"], plan["Query Text"] as? String ?? "", &found)
        }
        json = line.contains("@\(database) ") && line.hasSuffix("plan:") ? [] : nil
      }
    }
    return found
  }

  private static func parse(_ text: String) throws -> [String: Any]? {
    try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
  }

  private static func look(at plan: Any?, _ query: String, _ found: inout [String]) {
    guard let plan = plan as? [String: Any], let node = plan["Node Type"] as? String else { return }
    let isIndex = ["Index Scan", "Index Only Scan", "Bitmap Index Scan"].contains(node)
    if node == "Seq Scan" || (isIndex && plan["Index Cond"] == nil) {
      let relation = (plan["Relation Name"] as? String).map { "\(plan["Schema"] ?? "").\($0)" }
      let index = (plan["Index Name"] as? String).map { " by \($0)" } ?? ""
      found.append("\(node) on \(relation ?? "")\(index): \(query)")
    }
    for child in plan["Plans"] as? [Any] ?? [] { look(at: child, query, &found) }
  }

  private func withPool(_ body: (PostgresPool) async throws -> Void) async throws {
    let pool = PostgresPool(
      configuration: try PostgresConfiguration(url: url),
      logger: Logger(label: "plans") { _ in SwiftLogNoOpLogHandler() })
    do {
      try await body(pool)
    } catch {
      await pool.close()
      throw error
    }
    await pool.close()
  }
}
