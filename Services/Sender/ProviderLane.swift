import AMQP
import Contracts
import DequeModule
import HTTPTransport
import Logging
import ServiceKit

/// Carries one provider's send commands through the gate and to the provider.
///
/// Attempts are claimed in order of arrival, several at once; requests then run side by side.
actor ProviderLane {
  private struct Item {
    var applicant: Gate.Applicant
    var receipt: CommandReceipt
  }

  private let adapter: ProviderAdapter
  private let gate: Gate
  private let transport: HTTPTransport
  private let endings: EndingWriter
  private let slowAnswers: SlowAnswers
  private let reach: ReachWatch
  private let metrics: SenderMetrics
  private let logger: Logger
  private var slowConnections = LogPause()
  private var items: Deque<Item> = []
  private var waiting: Set<AttemptID> = []
  private var limit: ProviderLimit?
  private let arrivals: AsyncStream<Void>
  private let arrived: AsyncStream<Void>.Continuation
  private var clock = ClockGuard()
  /// The clock has stepped, and the gate has yet to be closed for it.
  private var mustClose = false
  private var isStopping = false
  private let startLine = StartLine()
  /// Requests under way.
  private var sending: Set<AttemptID> = []

  init(
    adapter: ProviderAdapter, gate: Gate, transport: HTTPTransport, endings: EndingWriter, reach: ReachWatch,
    logger: Logger
  ) {
    self.adapter = adapter
    self.gate = gate
    self.transport = transport
    self.endings = endings
    self.reach = reach
    self.logger = logger
    metrics = SenderMetrics(provider: adapter.settings.name)
    slowAnswers = SlowAnswers(gate: gate, logger: logger)
    (arrivals, arrived) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Takes a command; its delivery is acknowledged when the ledger owns each attempt.
  func accept(_ command: SendCommand, receipt: CommandReceipt) async {
    var repeats: [CommandReceipt] = []
    if limit.map({ command.limit.version >= $0.version }) ?? true { limit = command.limit }
    for attempt in command.attempts {
      guard waiting.insert(attempt.id).inserted else {
        // A repeat of what waits here already.
        repeats.append(receipt)
        continue
      }
      items.append(Item(applicant: Gate.Applicant(attempt: attempt, notAfter: command.notAfter), receipt: receipt))
    }
    for receipt in repeats { await receipt.settleOne() }
    arrived.yield()
  }

  /// Claims nothing more; what has been claimed is carried through. `run` returns when the last answer is written.
  func stop() {
    isStopping = true
    arrived.finish()
  }

  /// Works until `stop` or cancellation.
  func run() async {
    async let watching: Void = slowAnswers.run()
    await carryOut()
    slowAnswers.stop()
    await watching
  }

  private func carryOut() async {
    await withDiscardingTaskGroup { group in
      var backoff = Backoff(minimum: .milliseconds(50), maximum: .seconds(1))
      for await _ in arrivals {
        while !isStopping, !items.isEmpty {
          do {
            if let pause = try await claimNext(&group) { try await Task.sleep(until: pause, clock: .continuous) }
            backoff.reset()
          } catch is CancellationError {
            return
          } catch {
            logger.warning("gate not reachable, trying again", metadata: ["error": "\(error)"])
            // Ended early only by cancellation, which the loop above sees.
            try? await Task.sleep(for: backoff.next())
          }
        }
      }
      if !sending.isEmpty {
        logger.info("waiting for answers in flight", metadata: [LogKey.count: "\(sending.count)"])
      }
    }
  }

  /// One visit at the gate.
  /// - Returns: When to come again, if the window is full.
  private func claimNext(_ group: inout DiscardingTaskGroup) async throws -> ContinuousClock.Instant? {
    guard let limit else { return nil }
    await startLine.whenFewer(than: mostAtStart(limit))
    guard !isStopping else { return nil }
    let isDoubtful = reach.isDoubtful(adapter.settings.name)
    // What waits here goes back when its lease runs out.
    if reach.isPaused || (isDoubtful && !sending.isEmpty) { return ContinuousClock.now + .milliseconds(100) }
    if mustClose {
      try await gate.closeForOneWindow(provider: adapter.settings.name, claimLimit: adapter.claimLimit)
      mustClose = false
    }
    let batch = Array(items.prefix(isDoubtful ? 1 : batchSize(limit)))
    guard DescriptorRoom.isThere(for: Self.descriptors(for: batch.count + startLine.count)) else {
      reach.noteNoDescriptors()
      return ContinuousClock.now + .milliseconds(100)
    }
    Failpoint.reach(.claiming)
    let issuedAt = ContinuousClock.now
    let answer = try await gate.claim(
      batch.map(\.applicant), provider: adapter.settings.name, limit: limit, timeout: adapter.settings.timeout,
      claimLimit: adapter.claimLimit)
    let answeredAt = ContinuousClock.now
    let verdicts = answer.verdicts
    if verdicts.contains(where: \.isClaimed) { Failpoint.reach(.claimed) }
    let isClockSound = clock.agrees(database: answer.now, issuedAt: issuedAt, answeredAt: answeredAt)
    if !isClockSound {
      logger.error(
        "the database's clock has stepped: nothing is sent for one window",
        metadata: [LogKey.provider: "\(adapter.settings.name)"])
      mustClose = true
    }
    items.removeFirst(batch.count)
    let decided = zip(batch, verdicts).filter { if case .wait = $1 { false } else { true } }.map(\.0)
    waiting.subtract(decided.map(\.applicant.attempt.id))
    var back: [Item] = []
    var again: [AttemptID] = []
    var stale: [AttemptID] = []
    var pause: ContinuousClock.Instant?
    for (item, verdict) in zip(batch, verdicts) {
      switch verdict {
      case .claimed(let claimedAt):
        let attempt = item.applicant.attempt
        guard isClockSound else {
          stale.append(attempt.id)
          continue
        }
        sending.insert(attempt.id)
        let (claim, firstByte) = (Claim(issuedAt: issuedAt, claimedAt: claimedAt), FirstByte(on: startLine))
        group.addTask { await self.send(attempt, claim, firstByte) }
      case .wait(let duration):
        back.append(item)
        // Not longer than 250 ms: meanwhile an answer may free a slot, a lease end, or the sender stop.
        pause = answeredAt + min(duration, .milliseconds(250))
      case .expired, .finished:
        again.append(item.applicant.attempt.id)
      case .inFlight:
        // Claimed by this sender, but not under way: the answer to that claim was lost, and nothing was sent. The gate
        // leaves other senders' claims alone.
        if !sending.contains(item.applicant.attempt.id) { stale.append(item.applicant.attempt.id) }
      }
    }
    for item in back.reversed() { items.prepend(item) }
    guard !decided.isEmpty else { return pause }
    let (endings, late, unsent) = (endings, again, stale)
    group.addTask {
      for item in decided { await item.receipt.settleOne() }
      for attempt in unsent { await endings.expire(attempt) }
      if !late.isEmpty { await endings.reportAgain(late) }
    }
    return pause
  }

  /// 20 ms' worth of the rate, at least five: what does not fit learns in the same visit for how long, and a lane that was
  /// kept waiting makes up for it in few visits.
  private func batchSize(_ limit: ProviderLimit) -> Int {
    max(5, min(256, limit.count * 20 / max(1, limit.windowMilliseconds)))
  }

  /// How many may have been claimed and not begun: as many as are due in half of the time they have for that.
  private func mostAtStart(_ limit: ProviderLimit) -> Int {
    let seconds = Double(limit.windowMilliseconds) / 1000
    return max(5, Int(Double(limit.count) / seconds * (adapter.claimLimit / .seconds(1)) / 2))
  }

  /// What so many requests may need: a socket each and what the resolver opens, beside a reserve for the database and the
  /// broker.
  private static func descriptors(for requests: Int) -> Int { 3 * requests + 32 }

  private func send(_ attempt: SendCommand.Attempt, _ claim: Claim, _ firstByte: FirstByte) async {
    await slowAnswers.watch(attempt.id, claim, firstByte)
    let exchange = await transport.perform(
      adapter.request(for: attempt, claimedAt: claim.issuedAt), onFirstByte: { firstByte.note($0) })
    firstByte.ended()
    await slowAnswers.forget(attempt.id)
    Failpoint.reach(.answered)
    let verdict = adapter.verdict(on: exchange.result)
    switch SendEnding(exchange, claimLimit: adapter.claimLimit, verdict: verdict) {
    case .verdict(let verdict):
      note(verdict, exchange)
      await endings.finish(
        Gate.Ending(
          attempt: attempt.id, verdict: verdict, startedAt: exchange.firstByteAt.map(claim.databaseTime),
          finishedAt: claim.databaseTime(exchange.finishedAt), phone: attempt.phone, throttles: attempt.throttles ?? 0))
    case .unbegun(.late):
      metrics.claimExpired()
      await endings.expire(attempt.id)
    case .unbegun(.noDescriptors):
      reach.noteNoDescriptors()
      await endings.expire(attempt.id)
    }
    sending.remove(attempt.id)
  }

  /// Learns from an ending whether the provider can be reached, and says so when the way there is too slow.
  private func note(_ verdict: ReplyClassifier.Verdict, _ exchange: HTTPTransportExchange) {
    guard verdict.errorCode == SendEnding.connectSlow else {
      reach.note(adapter.settings.name, isReached: exchange.requestBytesWritten)
      return
    }
    metrics.connectSlow()
    guard slowConnections.isOver(now: .now) else { return }
    logger.warning(
      "connection ready only after the claim limit, nothing sent: the SMS is tried again",
      metadata: [
        LogKey.provider: "\(adapter.settings.name)", LogKey.errorType: "\(SendEnding.connectSlow)",
        LogKey.duration: "\((exchange.connectedAfter ?? .zero) / .seconds(1))",
      ])
  }
}

/// Lets one line a minute through. Pure.
private struct LogPause {
  private var last: ContinuousClock.Instant?

  mutating func isOver(now: ContinuousClock.Instant) -> Bool {
    if let last, last.duration(to: now) < .seconds(60) { return false }
    last = now
    return true
  }
}
