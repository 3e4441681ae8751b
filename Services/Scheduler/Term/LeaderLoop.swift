import AMQP
import Contracts
import Logging
import Metering
import Postgres
import ServiceKit

/// One term's work, one step after another: reports, submissions, commands, retries, dispatch, heads.
///
/// Everything it holds is a copy of what the store says. When a transaction fails it ends, and the next term reloads.
actor LeaderLoop {
  private let term: LeaderTerm
  private let consumer: AMQPConsumer
  private let publisher: AMQPPublisher
  private let relay: OutboxRelay
  private let poison: PoisonReporter
  private let logger: Logger
  private let inbox: Inbox
  private var queue: DispatchQueue
  private var due = DueTimes()
  private var outstanding = OutstandingCommands()
  private var heads: HeadsSchedule

  init(
    term: LeaderTerm, consumer: AMQPConsumer, publisher: AMQPPublisher, relay: OutboxRelay, poison: PoisonReporter,
    board: ProviderBoard, logger: Logger
  ) {
    self.term = term
    self.consumer = consumer
    self.publisher = publisher
    self.relay = relay
    self.poison = poison
    self.logger = logger
    inbox = Inbox()
    queue = DispatchQueue(board: board)
    heads = HeadsSchedule(epoch: term.epoch)
  }

  /// Works until cancelled or until a transaction fails.
  /// - Parameter announcement: The providers' settings, for the read side.
  func run(announcing announcement: ProvidersChanged) async throws {
    try await restore()
    let (consumer, relay, inbox) = (consumer, relay, inbox)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await relay.announce(announcement) }
      group.addTask { try await consumer.run() }
      group.addTask { for await delivery in consumer.deliveries { inbox.add(delivery) } }
      group.addTask { try await relay.run() }
      group.addTask { try await self.work() }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  // MARK: Taking over

  private func restore() async throws {
    let store = TakeOver(term: term)
    queue.restore(try await store.flows())
    for waiting in try await store.waiting() {
      if let dueAt = waiting.dueAt {
        due.add(waiting.unit, flow: waiting.flow, dueAt: dueAt)
      } else {
        queue.readmit(waiting.unit, flow: waiting.flow)
      }
    }
    let limits = Dictionary(uniqueKeysWithValues: queue.board.providers.map { ($0.name, $0.limit) })
    let now = term.databaseTime() ?? .now()
    for issued in try await store.outstanding(limits: limits) {
      queue.board.assumeOutstanding(issued.open.count, at: issued.command.provider)
      outstanding.add(issued, repeatAt: now)
    }
    logger.notice(
      "backlog taken over",
      metadata: ["backlog": "\(queue.fair.backlog)", "outstanding": "\(outstanding.count)"])
  }

  // MARK: The loop

  private func work() async throws {
    try await withThrowingDiscardingTaskGroup { group in
      while true {
        try Task.checkCancellation()
        let batch = inbox.take()
        try await handling(batch.outcomes, by: apply)
        try await handling(batch.submissions, by: takeIn)
        try await answer(batch.commands)
        try await term.confirm(after: .seconds(5))
        let now = term.databaseTime() ?? .now()
        for (unit, flow) in due.takeDue(now: now) { queue.readmit(unit, flow: flow) }
        for issued in outstanding.takeOverdue(now: now) { publish(issued, &group) }
        let dispatched = try await dispatch(now: now, &group)
        publishHeads(now: now, &group)
        let isBusy = dispatched || !(batch.outcomes.isEmpty && batch.submissions.isEmpty && batch.commands.isEmpty)
        if !isBusy { await inbox.bell.wait(until: wakeUp(now: now)) }
      }
    }
  }

  /// When there is something to do even if nothing arrives.
  private func wakeUp(now: Timestamp) -> ContinuousClock.Instant {
    var next = now + .seconds(1)
    if let time = due.next { next = min(next, time) }
    if let time = outstanding.next { next = min(next, time) }
    if !queue.isEmpty, let opening = queue.board.nextOpening(now: now.seconds) {
      next = min(next, Timestamp(seconds: opening))
    }
    return term.instant(of: max(next, now + .milliseconds(1))) ?? .now + .milliseconds(100)
  }

  // MARK: Dispatch

  private func dispatch(now: Timestamp, _ group: inout ThrowingDiscardingTaskGroup<any Error>) async throws -> Bool {
    guard !queue.isEmpty else { return false }
    let plan = queue.plan(limit: Inbox.batchSize, now: now.seconds)
    if let missing = plan.missing {
      let spans = try await TakeOver(term: term).page(flowID: missing.flowID, after: missing.after)
      guard queue.fill(missing.key, with: spans) else { throw StoreError.outOfStep }
    }
    guard !plan.picks.isEmpty else { return plan.missing != nil }
    let result = try await DispatchStore(term: term).issue(
      orders(plan.picks), tags: plan.tags.values.map { ($0.flowID, $0.tag) })
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
      let size = max(1, Int(provider.nominalRate * 0.02))
      return stride(from: 0, to: picks.count, by: size).map { start in
        DispatchStore.Order(
          provider: name, limit: provider.limit, picks: Array(picks[start..<min(start + size, picks.count)]))
      }
    }
  }

  /// Publishes a command until it is confirmed; a repeat is the same message.
  private func publish(_ issued: IssuedCommand, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
    let (publisher, logger) = (publisher, logger)
    group.addTask {
      do {
        try await publisher.publish(
          Envelope(issued.command, id: issued.id, requestID: issued.requestID), exchange: BrokerNames.commands,
          routingKey: BrokerNames.send(issued.command.provider))
      } catch is CancellationError {
        return
      } catch {
        // It stays outstanding and is published again after its deadline.
        logger.error(
          "send command not published",
          metadata: [LogKey.provider: "\(issued.command.provider)", "error": "\(error)"])
      }
    }
  }

  // MARK: Messages that the store refuses

  /// Hands over a batch; when its values are at fault, one message after the other, and the guilty one is set aside.
  private func handling(
    _ deliveries: [AMQPDelivery], by handler: ([AMQPDelivery]) async throws -> Void
  ) async throws {
    guard !deliveries.isEmpty else { return }
    do {
      try await handler(deliveries)
    } catch let error as PostgresError where error.isCausedByValues {
      if deliveries.count == 1 {
        await poison.report(deliveries[0], error: error, consumer: consumer)
      } else {
        for delivery in deliveries { try await handling([delivery], by: handler) }
      }
    }
  }

  // MARK: Reports

  private func apply(_ deliveries: [AMQPDelivery]) async throws {
    var read: [(AMQPDelivery, OutcomeReports)] = []
    for delivery in deliveries {
      do {
        read.append((delivery, try OutcomeReports(delivery)))
      } catch {
        await poison.report(delivery, error: error, consumer: consumer)
      }
    }
    let policies = Dictionary(uniqueKeysWithValues: queue.board.providers.map { ($0.name, $0.policy) })
    let result = try await OutcomeStore(term: term).apply(read.flatMap(\.1.reports), policies: policies)
    await relay.add(result.outbox)
    let now = term.databaseTime() ?? .now()
    for (_, reports) in read {
      for report in reports.reports {
        if let provider = outstanding.settle(report.attempt) { queue.board.settle(1, at: provider) }
      }
      queue.board.learn(
        at: reports.provider, latencies: reports.latencies, gateOpensAt: reports.gateOpensAt?.seconds)
      queue.board.noteSent(
        reports.acceptedCount, at: reports.provider, now: now.seconds, isBacklogged: !queue.isEmpty)
    }
    for returned in result.returned {
      if let dueAt = returned.dueAt {
        due.add(returned.unit, flow: returned.flow, dueAt: dueAt)
      } else {
        queue.giveBack(returned.unit, flow: returned.flow)
      }
    }
    for (delivery, _) in read { await consumer.acknowledge(delivery) }
  }

  // MARK: Submissions

  private func takeIn(_ deliveries: [AMQPDelivery]) async throws {
    var accepted: [(AMQPDelivery, Envelope<MessageAccepted>)] = []
    for delivery in deliveries {
      do {
        accepted.append((delivery, try Submission.read(delivery.body)))
      } catch {
        await poison.report(delivery, error: error, consumer: consumer)
      }
    }
    guard !accepted.isEmpty else { return }
    let result = try await IntakeStore(term: term).add(accepted.map(\.1))
    for flow in result.flows { queue.add(flow) }
    await relay.add(result.outbox)
    for (delivery, _) in accepted { await consumer.acknowledge(delivery) }
  }

  // MARK: Commands

  /// Answers commands that this version does not carry out, so that nobody waits for them in vain.
  private func answer(_ deliveries: [AMQPDelivery]) async throws {
    for delivery in deliveries {
      do {
        let header = try Wire.header(of: delivery.body)
        let answer = CommandAnswered(
          commandID: header.id, command: header.type, result: .refused, reason: "not_supported")
        let entries = try await term.transaction { connection, now in
          var facts = Outbox.Draft()
          try facts.add(answer, at: now, requestID: header.requestID)
          return try await Outbox.insert(facts, connection)
        }
        await relay.add(entries)
        await consumer.acknowledge(delivery)
      } catch let error as WireError {
        await poison.report(delivery, error: error, consumer: consumer)
      }
    }
  }

  // MARK: Heads

  private func publishHeads(now: Timestamp, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
    guard let change = heads.next(&queue, now: now) else { return }
    let publisher = publisher
    group.addTask {
      // The next heads follow within seconds; these are worth no repeat.
      try? await publisher.publish(Envelope(change), exchange: BrokerNames.events, timeout: .seconds(1))
    }
  }
}
