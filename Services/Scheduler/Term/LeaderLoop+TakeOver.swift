import Contracts
import Metering
import ServiceKit

extension LeaderLoop {
  /// The loop begins after this time, whatever is still to be read of what came back and of the holes.
  private static let restoring = Duration.milliseconds(500)

  /// Reads what an earlier leader left: at once what the queue needs before it can go on, the rest in steps beside its
  /// work. Until that is done, units that came back are late and positions count holes.
  func restore() async throws {
    let began = ContinuousClock.now
    let store = TakeOver(term: term, patient: ledgerPool)
    pausedUsers = try await UserStore(term: term).paused()
    cancellations = try await UserCancellationStore(term: term).open().map { UserCancellation(stored: $0) }
    replayCancellations = try await ReplayCancellationStore(term: term).open().map { ReplayCancellation(stored: $0) }
    retries = try await RetryStore(term: term).open().map { MessageRetry(stored: $0) }
    let flows = try await store.flows()
    queue.restore(
      flows, clocks: try await store.clocks(), held: pausedUsers.union(cancellations.map(\.stored.user)))
    queue.isSending = try await ProviderStore(term: term).isSending()
    times = try await SweepStore(term: term).times()
    let limits = Dictionary(uniqueKeysWithValues: queue.board.providers.map { ($0.name, $0.limit) })
    let now = term.databaseTime() ?? .now()
    for issued in try await store.outstanding(limits: limits) {
      queue.board.assumeOutstanding(issued.open.count, at: issued.command.provider, now: now.seconds)
      outstanding.add(issued, repeatAt: now)
    }
    holeReadings = flows.filter(\.hasHoles).map(HoleReading.init)
    while try await continueRestoring(), began.duration(to: .now) < Self.restoring {}
    logger.notice(
      "backlog taken over",
      metadata: [
        "backlog": "\(queue.fair.backlog)", "outstanding": "\(outstanding.count)",
        "took": "\(began.duration(to: .now))",
      ])
  }

  /// Reads the next page of what came back, or the next stretch of a flow's holes.
  /// - Returns: Whether there was something to do.
  func continueRestoring() async throws -> Bool {
    let store = TakeOver(term: term, patient: ledgerPool)
    if !returnReading.isDone {
      for returned in returnReading.take(try await store.waiting(after: returnReading.last)) {
        if let dueAt = returned.dueAt {
          due.add(returned.unit, flow: returned.flow, dueAt: dueAt)
        } else {
          queue.restore(returned.unit, flow: returned.flow)
        }
      }
      return true
    }
    guard var reading = holeReadings.popLast() else { return false }
    let found = try await store.holes(&reading)
    queue.learn(found, of: reading.key)
    if !reading.isDone { holeReadings.append(reading) }
    return true
  }
}
