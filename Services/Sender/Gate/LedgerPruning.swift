import Logging
import Postgres
import ServiceKit
import ServiceLifecycle

/// Deletes what nobody asks the ledger for any more: rows that were reported long ago.
///
/// A claimed or an unreported row stays however old it is.
struct LedgerPruning: Service {
  var pool: PostgresPool
  var logger: Logger
  /// How long after its report a row may still be asked for by a repeated command.
  var keeps = Duration.seconds(7 * 86_400)
  var interval = Duration.seconds(300)

  func run() async throws {
    while !Task.isShuttingDownGracefully, !Task.isCancelled {
      do {
        let deleted = try await cancelWhenGracefulShutdown { try await prune() }
        if deleted > 0 { logger.info("ledger pruned", metadata: [LogKey.count: "\(deleted)"]) }
      } catch {
        logger.warning("ledger not pruned, trying again later", metadata: [LogKey.error: "\(error)"])
      }
      // Ended early only by shutdown, which the loop sees.
      try? await cancelWhenGracefulShutdown { try await Task.sleep(for: interval) }
    }
  }

  /// Deletes in pieces of 1,000, so that no lock is held for long.
  /// - Returns: How many rows went.
  @discardableResult
  func prune() async throws -> Int {
    let providers = try await pool.query("SELECT provider FROM sender.gates").map {
      try $0.decode("provider", as: String.self)
    }
    var total = 0
    for provider in providers {
      // By the index on the anchors; what never passed the gate has none, and an index of its own.
      for (column, old): (String, PostgresQuery) in [
        ("anchor_at", "anchor_at < \(cutoff)"), ("recorded_at", "anchor_at IS NULL AND recorded_at < \(cutoff)"),
      ] {
        var deleted: Int
        repeat {
          deleted = try await pool.query(
            """
            DELETE FROM sender.ledger WHERE ctid = ANY (ARRAY(
              SELECT ctid FROM sender.ledger
              WHERE provider = \(provider) AND \(old) AND state <> 'claimed' AND reported_at < \(cutoff)
              ORDER BY \(unsafeRaw: column) LIMIT 1000 FOR UPDATE SKIP LOCKED))
            """
          ).affected
          total += deleted
        } while deleted == 1000 && !Task.isCancelled
      }
    }
    return total
  }

  private var cutoff: PostgresQuery { .time(ago: keeps) }
}
