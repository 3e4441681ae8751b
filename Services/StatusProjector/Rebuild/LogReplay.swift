import AMQP
import Logging

/// Folds the log into the new tables, from its first fact on.
struct LogReplay: Sendable {
  let reader: LogReader
  var fold: LogFold
  let patience: Duration
  let logger: Logger
  /// What the new tables have reached.
  private(set) var offset: UInt64?
  private var milestone: ContinuousClock.Instant = .now

  init(reader: LogReader, fold: LogFold, patience: Duration, logger: Logger) {
    self.reader = reader
    self.fold = fold
    self.patience = patience
    self.logger = logger
  }

  mutating func fold(_ entries: [LogEntry]) async throws {
    offset = try await fold.fold(entries) ?? offset
    await reader.acknowledge(entries)
  }

  /// Folds what comes next.
  /// - Parameter goal: Where the tables in use stand, which the log must reach.
  /// - Throws: `RebuildError` when nothing comes before the goal is reached.
  mutating func step(towards goal: UInt64?) async throws {
    guard let entries = await reader.next(within: patience) else {
      guard reader.isReading else { throw RebuildError.logUnreachable }
      throw RebuildError.logEnds(at: offset, tables: goal ?? 0)
    }
    try await fold(entries)
    guard milestone.duration(to: .now) > .seconds(2) else { return }
    milestone = .now
    logger.notice(
      "replaying", metadata: ["offset": "\(offset ?? 0)", "of": "\(goal.map(String.init) ?? "unknown")"])
  }

  /// Folds all up to an offset that is known to be in the log.
  mutating func catchUp(with goal: UInt64?) async throws {
    guard let goal else { return }
    while offset.map({ $0 < goal }) ?? true { try await step(towards: goal) }
  }
}
