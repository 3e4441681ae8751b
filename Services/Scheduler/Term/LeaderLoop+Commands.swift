import AMQP
import Contracts
import Logging
import Metering
import Postgres
import ServiceKit

/// A cancellation of all of one user's messages, under way.
struct UserCancellation: Sendable {
  var stored: UserCancellationStore.Cancellation
  /// What is acknowledged at its end; nothing while the command has not been delivered to this leader.
  var deliveries: [AMQPDelivery] = []
}

/// A command that sends a message's failed units again, under way.
struct MessageRetry: Sendable {
  var stored: RetryStore.Retry
  /// What is acknowledged at its end; nothing while the command has not been delivered to this leader.
  var deliveries: [AMQPDelivery] = []
}

extension Inbox.Received<ReceivedCommand> {
  /// A command about one message that takes one step; several share a transaction.
  fileprivate var quick: (command: MessageCommand, message: MessageID)? {
    guard case .success(.messages(let command, .message(let message))) = content, command.action != .retryFailed else {
      return nil
    }
    return (command, message)
  }
}

extension LeaderLoop {
  /// Carries out commands in order while the turn has time for them, and puts the others back.
  func carryOut(_ commands: [Inbox.Received<ReceivedCommand>]) async throws {
    guard !commands.isEmpty else { return }
    let began = ContinuousClock.now
    let deadline = began + CommandBudget.turn
    var left = commands[...]
    repeat {
      left = left.dropFirst(try await carryOutNext(of: left, until: deadline))
    } while !left.isEmpty && .now < deadline
    inbox.putBack(left)
    commandBudget.spend(began.duration(to: .now), now: .now)
  }

  /// Carries out the next command, or as many about single messages as one transaction has time for.
  /// - Returns: How many are done.
  private func carryOutNext(
    of commands: ArraySlice<Inbox.Received<ReceivedCommand>>, until deadline: ContinuousClock.Instant
  ) async throws -> Int {
    guard let first = commands.first else { return 0 }
    let run = commands.map(\.quick).prefix { $0 != nil }.compactMap { $0 }
    if run.count > 1 {
      do {
        return try await carryOut(run, of: commands, until: deadline)
      } catch let error as PostgresError where error.isCausedByValues {
        // One of them is at fault; the first is carried out by itself below.
      }
    }
    do {
      switch first.content {
      case .failure(let error): setAside(first.delivery, error)
      case .success(let command): try await carryOut(command, first.delivery)
      }
    } catch let error as PostgresError where error.isCausedByValues {
      setAside(first.delivery, error)
    }
    return 1
  }

  private func carryOut(
    _ run: [(command: MessageCommand, message: MessageID)], of commands: ArraySlice<Inbox.Received<ReceivedCommand>>,
    until deadline: ContinuousClock.Instant
  ) async throws -> Int {
    let done = try await CommandStore(term: term).apply(run, until: deadline)
    for changes in done.changes { follow(changes) }
    await relay.add(done.outbox)
    Failpoint.reach(.commandCommitted)
    for received in commands.prefix(done.count) { await feed.acknowledge(received.delivery) }
    return done.count
  }

  /// Carries out one command, and acknowledges it when its answer is on its way.
  private func carryOut(_ command: ReceivedCommand, _ delivery: AMQPDelivery) async throws {
    switch command {
    case .messages(let command, .message(let id)):
      if command.action == .retryFailed {
        try await beginRetry(of: id, command, delivery)
        // Acknowledged when the last batch is done.
        return
      }
      let done = try await CommandStore(term: term).apply([(command, id)], until: .now)
      for changes in done.changes { follow(changes) }
      await relay.add(done.outbox)
    case .messages(let command, .user(let user)):
      if command.action == .cancel {
        try await beginCancellation(of: user, command, delivery)
        return
      }
      try await setHeld(user, command)
    case .provider(let settings, let header): try await set(settings, header)
    case .reset(let reset, let header): try await self.reset(reset, header)
    case .sending(let isOn, let header):
      if let facts = try await ProviderStore(term: term)
        .setSending(isOn, header, inFlight: outstanding.count)
      {
        queue.isSending = isOn
        logger.notice("\(isOn ? "sending again" : "sending stopped")")
        headsChanged()
        await relay.add(facts)
      }
    case .replay(let order, let header): try await replay(order, header)
    case .cancelReplay(let id, let header):
      try await beginCancellation(of: id, header, delivery)
      // Acknowledged when all is taken back.
      return
    case .settle(let order, let header): try await follow(SettleStore(term: term).settle(order, header))
    }
    Failpoint.reach(.commandCommitted)
    await feed.acknowledge(delivery)
  }

  private func refuse(_ header: EnvelopeHeader, _ reason: String) async throws {
    let answer = CommandAnswered(commandID: header.id, command: header.type, result: .refused, reason: reason)
    await relay.add(try await ProviderStore(term: term).answer(answer, requestID: header.requestID) ?? [])
  }

  /// Follows what a command has done, and tells of it.
  func follow(_ result: CommandStore.Result) async {
    follow(result.changes)
    await relay.add(result.outbox)
  }

  // MARK: Sending again

  private func beginRetry(of id: MessageID, _ command: MessageCommand, _ delivery: AMQPDelivery) async throws {
    if let place = retries.firstIndex(where: { $0.stored.command.id == command.id }) {
      retries[place].deliveries.append(delivery)
      return
    }
    let begun = try await RetryStore(term: term).begin(command, id)
    await relay.add(begun.outbox)
    guard let retry = begun.retry else { return await feed.acknowledge(delivery) }
    retries.append(MessageRetry(stored: retry, deliveries: [delivery]))
  }

  /// Sends the next units of the oldest retry under way again.
  /// - Returns: Whether there was something to do.
  func continueRetry() async throws -> Bool {
    guard let current = retries.first else { return false }
    let step = try await RetryStore(term: term).step(current.stored)
    follow(step.changes)
    await relay.add(step.outbox)
    retries[0].stored = step.retry
    guard step.retry.isDone else {
      // Another user's small retry does not wait for the end of a large one.
      retries.append(retries.removeFirst())
      return true
    }
    retries.removeFirst()
    Failpoint.reach(.commandCommitted)
    for delivery in current.deliveries { await feed.acknowledge(delivery) }
    return true
  }

  // MARK: One user

  private func setHeld(_ user: UserID, _ command: MessageCommand) async throws {
    switch command.action {
    case .pause, .resume:
      let isPaused = command.action == .pause
      let facts = try await UserStore(term: term)
        .setPaused(isPaused, user, command: command, returned: queue.returnedCount(of: user))
      guard let facts else { return }
      if isPaused { pausedUsers.insert(user) } else { pausedUsers.remove(user) }
      updateHold(user)
      headsChanged()
      await relay.add(facts)
    case .cancel, .retryFailed:
      try await refuse(command.header, "not_supported")
    }
  }

  private func beginCancellation(
    of user: UserID, _ command: MessageCommand, _ delivery: AMQPDelivery
  ) async throws {
    if let place = cancellations.firstIndex(where: { $0.stored.command.id == command.id }) {
      cancellations[place].deliveries.append(delivery)
      return
    }
    let stored = try await UserCancellationStore(term: term).begin(command, user)
    guard !stored.isDone else { return await feed.acknowledge(delivery) }
    cancellations.append(UserCancellation(stored: stored, deliveries: [delivery]))
    updateHold(user)
  }

  /// Holds a user back who is paused, or whose messages are being cancelled: nothing of them goes out meanwhile.
  func updateHold(_ user: UserID) {
    queue.hold(user, pausedUsers.contains(user) || cancellations.contains { $0.stored.user == user })
  }

  /// Cancels the next batch of the oldest cancellation under way.
  /// - Returns: Whether there was something to do.
  func continueCancellation() async throws -> Bool {
    guard let current = cancellations.first else { return false }
    let step = try await UserCancellationStore(term: term).step(current.stored)
    follow(step.changes)
    await relay.add(step.outbox)
    cancellations[0].stored = step.cancellation
    guard step.cancellation.isDone else { return true }
    cancellations.removeFirst()
    updateHold(current.stored.user)
    Failpoint.reach(.commandCommitted)
    for delivery in current.deliveries { await feed.acknowledge(delivery) }
    return true
  }

  // MARK: Providers

  private func set(_ command: ProviderSet, _ header: EnvelopeHeader) async throws {
    guard let settings = file[command.provider], queue.board[command.provider] != nil else {
      return try await refuse(header, "unknown_provider")
    }
    if let field = command.invalidField { return try await refuse(header, "invalid_\(field)") }
    // What was learnt meanwhile, such as refused credentials, is in the store before it is read there.
    try await ProviderStore(term: term).save(queue.board.takeUnsaved())
    let result = try await ProviderStore(term: term).set(command, header, file: settings.stored) {
      settings.fact($0)
    }
    guard let result else { return }
    let now = (term.databaseTime() ?? .now()).seconds
    queue.board.update(command.provider) {
      $0.apply(
        limit: result.stored.limit, weight: result.stored.weight, pause: result.stored.condition.pause, now: now)
    }
    queue.board.markUnsaved(command.provider)
    logger.notice("provider set", metadata: [LogKey.provider: "\(command.provider)"])
    headsChanged()
    await relay.add(result.outbox)
  }

  private func reset(_ command: ProviderReset, _ header: EnvelopeHeader) async throws {
    let names = queue.board.providers.map(\.name).filter { command.provider == nil || $0 == command.provider }
    guard !names.isEmpty else { return try await refuse(header, "unknown_provider") }
    let now = (term.databaseTime() ?? .now()).seconds
    for name in names { queue.board.reset(command.subject, at: name, now: now) }
    try await ProviderStore(term: term).save(queue.board.takeUnsaved())
    let answer = CommandAnswered(commandID: header.id, command: header.type, result: .done)
    await relay.add(try await ProviderStore(term: term).answer(answer, requestID: header.requestID) ?? [])
    headsChanged()
  }
}

extension ProviderSet {
  /// The field whose value cannot be, if any.
  fileprivate var invalidField: String? {
    if case .value(let rate) = rate, !(1...1_000_000).contains(rate) { return "rate" }
    if case .value(let window) = windowSeconds, !(window >= 0.001 && window <= 86_400) { return "window_s" }
    if case .value(let weight) = weight, !(weight > 0 && weight <= 1_000_000) { return "weight" }
    return nil
  }
}
