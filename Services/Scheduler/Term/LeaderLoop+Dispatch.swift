import AMQP
import Contracts
import ServiceKit

extension LeaderLoop {
  /// Issues what can go now.
  /// - Returns: Whether there was something to do.
  func dispatch(now: Timestamp, _ group: inout ThrowingDiscardingTaskGroup<any Error>) async throws -> Bool {
    dispatchedAt = .now
    let plan = try queue.plan(limit: Inbox.batchSize, now: now.seconds)
    idleProviders = plan.idle
    if !plan.missing.isEmpty {
      let pages = try await TakeOver(term: term).pages(plan.missing)
      for page in plan.missing {
        guard queue.fill(page.key, with: pages[page.flowID] ?? []) else { throw StoreError.outOfStep }
      }
    }
    guard !plan.picks.isEmpty else { return !plan.missing.isEmpty }
    let result = try await DispatchStore(term: term).issue(
      orders(plan.picks), tags: Array(plan.tags.values), clocks: plan.clocks)
    Failpoint.reach(.dispatchCommitted)
    await relay.add(result.outbox)
    for issued in result.commands {
      outstanding.add(issued)
      publish(issued, &group)
    }
    return true
  }

  /// Cuts the picks into commands of up to 20 ms' worth of their provider's rate.
  private func orders(_ picks: [DispatchPick]) -> [DispatchStore.Order] {
    Dictionary(grouping: picks, by: \.provider).sorted { $0.key < $1.key }.flatMap { name, picks in
      guard let provider = queue.board[name] else { return [DispatchStore.Order]() }
      let size = max(1, Int(provider.limit.rate * 0.02))
      return picks.chunks(of: size).map { DispatchStore.Order(provider: name, limit: provider.limit, picks: $0) }
    }
  }

  /// Publishes a command until it is confirmed; a repeat is the same message.
  func publish(_ issued: IssuedCommand, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
    let (publisher, logger) = (publisher, logger)
    // Begun at once, so that commands leave in the order of their issue.
    group.addImmediateTask {
      do {
        try await publisher.publish(
          Envelope(issued.command, id: issued.id, requestID: issued.requestID), exchange: BrokerNames.commands,
          routingKey: BrokerNames.send(issued.command.provider))
        Failpoint.reach(.commandPublished)
      } catch is CancellationError {
        return
      } catch {
        // It stays outstanding and is published again after its deadline.
        logger.error(
          "send command not published",
          metadata: [LogKey.provider: "\(issued.command.provider)", LogKey.error: "\(error)"])
      }
    }
  }

  /// Lets scheduled messages wait whose time has come, and ends those past their expiry.
  /// - Returns: Whether there was something to do.
  func sweep() async throws -> Bool {
    let now = term.databaseTime() ?? .now()
    let isStarting = times.start.map { $0 <= now } ?? false
    let isExpiring = times.expiry.map { $0 <= now } ?? false
    guard isStarting || isExpiring else { return false }
    let store = SweepStore(term: term)
    if isStarting { follow(try await store.start()) }
    if isExpiring {
      let expired = try await store.expire()
      for changes in expired.changes { follow(changes) }
      await relay.add(expired.outbox)
    }
    times = try await store.times()
    return true
  }
}
