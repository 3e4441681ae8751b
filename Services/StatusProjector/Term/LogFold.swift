import AMQP
import Contracts
import Postgres

/// Folds deliveries into the read tables of one schema.
struct LogFold: Sendable {
  private let store: ProjectionStore
  private let metrics: ProjectorMetrics?
  private let setAside: @Sendable (AMQPDelivery, any Error) async -> Void
  private var queueEpoch: Int64

  /// - Parameters:
  ///   - start: Where the tables stand.
  ///   - setAside: Does something with a fact that nobody understands or no table takes; it is left out.
  init(
    store: ProjectionStore, start: ProjectionStore.Position, metrics: ProjectorMetrics?,
    setAside: @escaping @Sendable (AMQPDelivery, any Error) async -> Void
  ) {
    self.store = store
    self.metrics = metrics
    self.setAside = setAside
    queueEpoch = start.queueEpoch
  }

  /// Writes entries, in the log's order; when it returns they are committed and may be acknowledged.
  /// - Returns: The offset that is reached.
  mutating func fold(_ entries: [LogEntry]) async throws -> UInt64? {
    await setAsideUnreadable(entries)
    var facts: [PlacedFact] = []
    var offset: UInt64?
    for entry in entries {
      guard let place = entry.delivery.streamOffset else { throw LogIsNoStream() }
      offset = place
      switch entry.reading {
      case .success(let logged): facts.append(PlacedFact(delivery: entry.delivery, offset: place, logged: logged))
      case .failure: continue
      }
      // What the tables hold at a mark is what is compared, so a transaction ends there.
      if facts.last?.logged.isFreshMark(at: .now()) == true {
        try await write(facts[...], upTo: place)
        facts.removeAll()
      }
    }
    if let offset { try await write(facts[...], upTo: offset) }
    return offset
  }

  /// All at once: many of them hold up the log for as long as one.
  private func setAsideUnreadable(_ entries: [LogEntry]) async {
    await withDiscardingTaskGroup { group in
      for entry in entries {
        guard case .failure(let error) = entry.reading else { continue }
        group.addTask { [setAside] in await setAside(entry.delivery, error) }
      }
    }
  }

  private struct PlacedFact: Sendable {
    var delivery: AMQPDelivery
    var offset: UInt64
    var logged: LoggedFact
  }

  /// Writes a stretch of the log; facts that the tables refuse are found by halving it, set aside and left out.
  private mutating func write(_ facts: ArraySlice<PlacedFact>, upTo offset: UInt64) async throws {
    var batch = FoldedBatch(queueEpoch: queueEpoch)
    for fact in facts { batch.apply(fact.logged) }
    do {
      try await store.write(batch, upTo: offset)
    } catch let error as PostgresError where error.isCausedByValues && !facts.isEmpty {
      if facts.count == 1 {
        for fact in facts { await setAside(fact.delivery, error) }
        return try await write([], upTo: offset)
      }
      let halves = (facts.prefix(facts.count / 2), facts.dropFirst(facts.count / 2))
      try await write(halves.0, upTo: halves.0.last?.offset ?? offset)
      return try await write(halves.1, upTo: offset)
    }
    queueEpoch = batch.queueEpoch
    metrics?.folded(batch, facts: facts.count)
  }
}

extension LoggedFact {
  /// After this time a mark is of no use: nobody compares it any more.
  static let markLife = Duration.seconds(600)

  /// True for a mark that is worth a transaction of its own.
  func isFreshMark(at now: Timestamp) -> Bool {
    guard case .marked(let mark) = fact else { return false }
    return now - mark.markedAt < Self.markLife
  }
}

/// `events.log` is not a stream: its messages have no offsets to go by.
struct LogIsNoStream: Error {}
