import Contracts
import Foundation
import Logging
import Postgres
import TestSupport

/// The read tables of a projector that is measured, in a database of their own.
struct FoldedTables: Sendable {
  let url: String
  private let pool: PostgresPool

  init() async throws {
    url = try await PostgresCluster.shared().makeDatabase()
    pool = PostgresPool(
      configuration: try PostgresConfiguration(url: url),
      logger: Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() })
  }

  /// The last offset that is folded; -1 before the first.
  func offset() async throws -> Int {
    try await pool.query("SELECT coalesce(log_offset, -1) AS log_offset FROM projection.progress_read").first?
      .decode("log_offset") ?? -1
  }

  /// Waits until more than this is folded.
  func pass(_ offset: Int) async throws {
    try await wait { try await self.offset() > offset }
  }

  /// Waits until a message can be read.
  func show(_ id: MessageID) async throws {
    try await wait {
      // The tables may not be there yet.
      await (try? pool.query("SELECT FROM projection.messages_read WHERE message_id = \(id.uuid)").count) == 1
    }
  }

  private func wait(until condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(300)
    while try await !condition() {
      guard ContinuousClock.now < deadline else { throw StackError("the projector does not get there") }
      try await Task.sleep(for: .milliseconds(2))
    }
  }
}
