import AMQP
import Contracts
import Logging
import NIOConcurrencyHelpers
import Postgres
import ServiceKit

/// Makes the read tables anew from the log while the old ones are in use, and puts them in their place.
struct Rebuild: Sendable {
  let pool: PostgresPool
  let amqp: AMQPConfiguration
  let logger: Logger
  var limits = BatchLimits(count: 1_000, bytes: 2_000_000)
  /// After so long without a fact the log is taken to end.
  var patience = Duration.seconds(15)
  /// Facts are not quite in the order of their times, and hosts' clocks differ: messages accepted until so long after the
  /// log's first fact are copied, too. Too much is harmless: what the log tells as well changes nothing.
  var overlap = Duration.seconds(3600)
  var retention = RetentionSettings()
  /// How long plans and readers of the old tables have to end before these are dropped.
  var dropDelay = Duration.seconds(30)

  private var generations: GenerationStore { GenerationStore(pool: pool) }

  /// Returns once the new tables are in use and the old ones dropped.
  /// - Throws: `RebuildError`, or whatever the database says; then nothing has changed.
  func run() async throws {
    // Rows of another rebuild's are none of ours.
    let epoch = Int64.random(in: (1 << 32)..<(1 << 62))
    try await prepare(epoch)
    do {
      try await LogReader.with(amqp, from: .first, limits: limits, logger: logger) { reader in
        try await rebuild(reader, ProjectionStore(pool: pool, schema: .rebuild, epoch: epoch))
      }
    } catch {
      // Texts and numbers must not lie about; what cannot be dropped now the next rebuild drops.
      try? await generations.clear(.rebuild)
      throw error
    }
    logger.notice("the new tables are in use")
    try await Task.sleep(for: dropDelay)
    do {
      try await generations.clear(.retired)
      logger.notice("the old tables are dropped")
    } catch {
      // They only take room: the next rebuild drops them.
      logger.warning("the old tables are not dropped", metadata: [LogKey.error: "\(error)"])
    }
  }

  /// Empty new tables beside the old ones, which are brought up to date.
  private func prepare(_ epoch: Int64) async throws {
    let dependents = try await generations.dependents(of: .live)
    guard dependents.isEmpty else { throw RebuildError.dependents(dependents) }
    for schema in [ProjectionSchema.rebuild, .retired] {
      try await generations.open(schema)
      try await generations.clear(schema)
    }
    try await ProjectionMigrations.apply(to: .live, pool: pool, logger: logger)
    try await ProjectionMigrations.apply(to: .rebuild, pool: pool, logger: logger)
    try await pool.query("UPDATE \(ProjectionSchema.rebuild).leadership SET epoch = \(epoch)")
  }

  private func rebuild(_ reader: LogReader, _ store: ProjectionStore) async throws {
    guard let beginning = await reader.next(within: patience) else {
      throw reader.isReading ? RebuildError.logEmpty : RebuildError.logUnreachable
    }
    try await copyHistory(before: beginning)
    let refused = NIOLockedValueBox(0)
    let fold = LogFold(store: store, start: try await store.position(), metrics: nil) { [logger] delivery, error in
      let isRefused = error is PostgresError
      if isRefused { refused.withLockedValue { $0 += 1 } }
      logger.log(
        level: isRefused ? .error : .warning, isRefused ? "the new tables refuse a fact" : "nobody understands a fact",
        metadata: [
          LogKey.envelopeType: "\(delivery.routingKey)", "offset": "\(delivery.streamOffset ?? 0)",
          LogKey.error: "\(error)",
        ])
    }
    var replay = LogReplay(reader: reader, fold: fold, patience: patience, logger: logger)
    try await replay.fold(beginning)
    while replay.offset ?? 0 < (try await live.position().offset ?? 0) {
      try await replay.step(towards: try await live.position().offset)
    }
    while try await store.redact(afterDays: retention.redactAfter) > 0 {}
    while try await store.drop(afterDays: retention.dropAfter) > 0 {}
    let count = refused.withLockedValue { $0 }
    guard count == 0 else { throw RebuildError.refused(count) }
    try await swap(&replay, store.epoch)
  }

  private var live: ProjectionStore { ProjectionStore(pool: pool, epoch: 0) }

  private func copyHistory(before beginning: [LogEntry]) async throws {
    // Of one that nobody understands the time is not known.
    guard let first = beginning.compactMap({ try? Wire.header(of: $0.delivery.body).at }).first else {
      throw RebuildError.logEmpty
    }
    let copy = HistoryCopy(pool: pool, from: .live, to: .rebuild, first: first, overlap: overlap)
    logger.notice("copying what is older than the log", metadata: ["before": "\(copy.cutoff)"])
    try await copy.copySmall()
    var milestone = 0
    let count = try await copy.copyMessages { count in
      guard count >= milestone + 100_000 else { return }
      milestone = count
      logger.notice("copying", metadata: ["messages": "\(count)"])
    }
    logger.notice("copied", metadata: ["messages": "\(count)"])
  }

  /// Tries for some minutes: each time the tables may be in use by somebody who takes long.
  private func swap(_ replay: inout LogReplay, _ epoch: Int64) async throws {
    for attempt in 1...200 {
      do {
        return try await GenerationSwap(pool: pool, epoch: epoch).run { offset in
          do {
            try await replay.catchUp(with: offset)
          } catch {
            // What it had taken from the log is gone with it: no reason to try again.
            throw CatchUpFailed(cause: error)
          }
        }
      } catch let failure as CatchUpFailed {
        throw failure.cause
      } catch let error as PostgresError where error.code == .commitUnknown {
        if try await generations.isEmpty(.rebuild) { return }
      } catch let error as PostgresError where error.isBusy {
        logger.info("the tables are in use, trying again", metadata: ["try": "\(attempt)"])
        // Not in step with somebody who reads every second.
        try await Task.sleep(for: .milliseconds(Int.random(in: 200...min(5_000, 500 * attempt))))
      }
    }
    throw RebuildError.tablesBusy
  }
}

/// The log could not be folded into the new tables up to where the old ones stand.
private struct CatchUpFailed: Error {
  var cause: any Error
}

extension PostgresError {
  /// A limit for a lock or a statement ended it, or a deadlock.
  fileprivate var isBusy: Bool { code == .timeout || isRetryable || sqlState == "55P03" }
}
