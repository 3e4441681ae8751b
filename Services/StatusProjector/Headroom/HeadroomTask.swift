import AMQP
import Contracts
import Logging
import Postgres
import ServiceKit

/// Looks now and then whether the log still begins well before where the tables stand.
struct HeadroomTask: Sendable {
  let store: ProjectionStore
  let amqp: AMQPConfiguration
  let metrics: HeadroomMetrics
  let logger: Logger

  /// - Throws: `CancellationError` alone.
  func run() async throws {
    while true {
      do {
        if let headroom = try await measure() { tell(headroom) }
      } catch let error as PostgresError where error.code != .cancelled {
        logger.warning("the log's beginning cannot be compared", metadata: [LogKey.error: "\(error)"])
      }
      try await Task.sleep(for: .seconds(600))
    }
  }

  /// Compares the log's first fact with where the tables stand.
  /// - Returns: `nil` when the log is empty or out of reach.
  func measure() async throws -> LogHeadroom? {
    // First, since the tables only go on meanwhile.
    let position = try await store.position()
    let logTime = try await store.logTime()
    guard let beginning = try await beginning() else { return nil }
    return LogHeadroom(beginning: beginning, offset: position.offset, logTime: logTime)
  }

  private func beginning() async throws -> LogHeadroom.Beginning? {
    let limits = BatchLimits(count: 1, linger: .milliseconds(1))
    return try await LogReader.with(amqp, from: .first, limits: limits, logger: logger) { reader in
      guard let first = await reader.next(within: .seconds(10))?.first?.delivery, let offset = first.streamOffset else {
        return nil
      }
      let said =
        (try? Wire.header(of: first.body).at) ?? first.timestamp.map { .init(microseconds: Int64($0) * 1_000_000) }
      return LogHeadroom.Beginning(offset: offset, at: said ?? .now())
    }
  }

  private func tell(_ headroom: LogHeadroom) {
    metrics.measured(headroom)
    if headroom.lostFacts > 0 {
      logger.error(
        "facts were deleted from the log before they were folded: the tables lack them",
        metadata: [LogKey.count: "\(headroom.lostFacts)"])
    } else if headroom.isLow {
      logger.error(
        "the log's beginning comes near: facts will be deleted before they are folded",
        metadata: [LogKey.duration: "\(Int(headroom.duration / .seconds(1)))"])
    }
  }
}
