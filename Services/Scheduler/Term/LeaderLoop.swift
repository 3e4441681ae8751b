import AMQP
import Contracts
import Logging
import Metering
import Postgres
import ServiceKit

/// One term's work, one step after another: reports, submissions, commands, schedule and expiry, retries, dispatch, heads,
/// the ledger's mark.
///
/// Everything it holds is a copy of what the store says. When a transaction fails it ends, and the next term reloads.
actor LeaderLoop {
  let term: LeaderTerm
  let feed: DeliveryFeed
  let publisher: AMQPPublisher
  let relay: OutboxRelay
  let poison: PoisonReporter
  let logger: Logger
  let file: ProvidersFile
  /// For reading the log.
  private let logReading: AMQPConfiguration
  let inbox = Inbox()
  var queue: DispatchQueue
  var due = DueTimes()
  var outstanding = OutstandingCommands()
  var times = SweepStore.Times()
  /// What cannot be understood: reported beside the loop, which waits for no confirmation.
  private var unreadable: [AMQPDelivery.Token: (delivery: AMQPDelivery, error: any Error)] = [:]
  /// Providers that are open while nobody who waits may use them: no reason to wake up.
  var idleProviders: Set<String> = []
  var pausedUsers: Set<UserID> = []
  /// Cancellations of all of one user's messages, a batch at each turn.
  var cancellations: [UserCancellation] = []
  /// Likewise of replays.
  var replayCancellations: [ReplayCancellation] = []
  /// Messages whose failed units go again, a batch at each turn.
  var retries: [MessageRetry] = []
  var commandBudget = CommandBudget(now: .now)
  /// What an earlier leader left that is read while the queue is at work already.
  var returnReading = ReturnReading()
  var holeReadings: [HoleReading] = []
  /// For counts of the whole store, which take longer than other statements may.
  let ledgerPool: PostgresPool
  var ledger = LedgerSchedule(now: .now)
  /// A count that has not got its mark.
  var ledgerCut: LedgerCut?
  private var heads: HeadsSchedule
  private var savedAt: Timestamp?
  /// When what can go was last looked for.
  var dispatchedAt: ContinuousClock.Instant?

  init(
    term: LeaderTerm, feed: DeliveryFeed, publisher: AMQPPublisher, relay: OutboxRelay, poison: PoisonReporter,
    file: ProvidersFile, board: ProviderBoard, ledgerPool: PostgresPool, logReading: AMQPConfiguration, logger: Logger
  ) {
    self.logReading = logReading
    self.term = term
    self.feed = feed
    self.publisher = publisher
    self.relay = relay
    self.poison = poison
    self.file = file
    self.ledgerPool = ledgerPool
    self.logger = logger
    queue = DispatchQueue(board: board)
    heads = HeadsSchedule(epoch: term.epoch)
  }

  /// Works until cancelled or until a transaction fails.
  /// - Parameter announcement: The providers' settings, for the read side.
  func run(announcing announcement: ProvidersChanged) async throws {
    try await restore()
    let relay = relay
    let log = LogFollower(store: AcceptanceStore(term: term), amqp: logReading, inbox: inbox, logger: logger)
    let retention = Retention(pool: term.pool, logger: logger)
    feed.open(into: inbox)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await relay.announce(announcement) }
      group.addTask { try await relay.run() }
      group.addTask { try await relay.beat() }
      group.addTask { [log] in try await log.run() }
      group.addTask { try await retention.run() }
      group.addTask { try await self.work() }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  // MARK: The loop

  private func work() async throws {
    try await withThrowingDiscardingTaskGroup { group in
      while true {
        try Task.checkCancellation()
        let batch = inbox.take(withCommands: commandBudget.isOpen(now: .now))
        try await handling(batch.outcomes, { $0 }, by: apply)
        var dispatched = try await dispatchIfDue(&group)
        try await handling(batch.submissions, \.delivery, by: takeIn)
        dispatched = try await dispatchIfDue(&group) || dispatched
        try await carryOut(batch.commands)
        try await mend(batch)
        reportUnreadable(&group)
        dispatched = try await dispatchIfDue(&group) || dispatched
        let hasStepped = try await takeSteps()
        try await term.confirm(after: .seconds(5))
        let isSweeping = try await sweep()
        let now = term.databaseTime() ?? .now()
        for (unit, flow) in due.takeDue(now: now) { queue.readmit(unit, flow: flow) }
        for issued in outstanding.takeOverdue(now: now) { publish(issued, &group) }
        dispatched = try await dispatch(now: now, &group) || dispatched
        await publishHeads(now: now)
        try await keepHouse(now: now)
        try await countLedger(&group)
        let isBusy = dispatched || hasStepped || isSweeping || !batch.isEmpty
        if !isBusy { await inbox.bell.wait(until: wakeUp(now: now)) }
      }
    }
  }

  /// Issues what can go now if the turn has taken so long already that a provider might wait for it: whatever arrives,
  /// the next SMS are chosen at least every 40 ms.
  /// - Returns: Whether there was something to do.
  private func dispatchIfDue(_ group: inout ThrowingDiscardingTaskGroup<any Error>) async throws -> Bool {
    guard dispatchedAt.map({ $0.duration(to: .now) > .milliseconds(20) }) ?? false else { return false }
    return try await dispatch(now: term.databaseTime() ?? .now(), &group)
  }

  /// Takes the next step of what takes several.
  /// - Returns: Whether there was something to do.
  private func takeSteps() async throws -> Bool {
    let isCancelling = try await continueCancellation()
    let isTakingBack = try await continueReplayCancellation()
    let isRetrying = try await continueRetry()
    let isRestoring = try await continueRestoring()
    return isCancelling || isTakingBack || isRetrying || isRestoring
  }

  /// Has a message put where an admin sees it; it is acknowledged when it lies there.
  func setAside(_ delivery: AMQPDelivery, _ error: any Error) { unreadable[delivery.token] = (delivery, error) }

  /// All at once, however many: the prefetch bounds them.
  private func reportUnreadable(_ group: inout ThrowingDiscardingTaskGroup<any Error>) {
    for (delivery, error) in unreadable.values {
      group.addTask { [poison, feed] in
        await poison.report(delivery, error: error) { await feed.acknowledge($0) }
      }
    }
    unreadable = [:]
  }

  /// When there is something to do even if nothing arrives.
  private func wakeUp(now: Timestamp) -> ContinuousClock.Instant {
    var next = now + .seconds(1)
    for time in [due.next, outstanding.next, times.start, times.expiry] {
      if let time { next = min(next, time) }
    }
    if queue.isSending, !queue.isEmpty, let opening = queue.board.nextOpening(now: now.seconds, except: idleProviders) {
      next = min(next, Timestamp(seconds: opening))
    }
    let wakeUp = term.instant(of: max(next, now + .milliseconds(1))) ?? .now + .milliseconds(100)
    return inbox.hasCommands ? min(wakeUp, commandBudget.opensAt(now: .now)) : wakeUp
  }

  /// Stores what was learnt about providers, at most once a second.
  private func keepHouse(now: Timestamp) async throws {
    if !queue.board.unsaved.isEmpty, savedAt.map({ now - $0 >= .seconds(1) }) ?? true {
      savedAt = now
      try await ProviderStore(term: term).save(queue.board.takeUnsaved())
    }
  }

  // MARK: Heads

  private func publishHeads(now: Timestamp) async {
    switch await relay.passing {
    case .through: heads.noteTold()
    case .underWay: return
    case .lost: heads.startOver(now: now)
    }
    if let change = heads.next(&queue, paused: pausedUsers, now: now) { await relay.add(passing: change) }
  }

  /// Lets the readers of the heads know at once of a change that moves no head.
  func headsChanged() { heads.isOverdue = true }

  // MARK: What memory has to follow

  /// Follows a transaction that changed what waits.
  func follow(_ changes: MessageStore.Changes) {
    for flow in changes.flows { queue.register(flow.key, id: flow.id, weight: flow.weight) }
    for entry in changes.withdrawn { queue.withdraw(entry) }
    for (flow, units) in Dictionary(grouping: changes.withdrawnReturns, by: \.flow) {
      queue.withdraw(Set(units.map(\.unit)), from: flow)
    }
    for unit in changes.withdrawnUnits { due.withdraw(unit) }
    for entry in changes.admitted { queue.admit(entry) }
    enqueue(changes.returned)
  }

  /// Puts units that came back where they wait. Those that were given to a provider and not sent get their turns back there.
  func enqueue(_ returned: [OutcomeStore.Returned]) {
    for returned in returned {
      returnReading.note(returned.unit.unit)
      if let dueAt = returned.dueAt {
        due.add(returned.unit, flow: returned.flow, dueAt: dueAt)
      } else if let provider = returned.provider {
        queue.giveBack(returned.unit, flow: returned.flow, at: provider)
      } else {
        queue.readmit(returned.unit, flow: returned.flow)
      }
    }
  }
}
