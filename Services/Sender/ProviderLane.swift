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
  private let logger: Logger
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

  init(adapter: ProviderAdapter, gate: Gate, transport: HTTPTransport, endings: EndingWriter, logger: Logger) {
    self.adapter = adapter
    self.gate = gate
    self.transport = transport
    self.endings = endings
    self.logger = logger
    slowAnswers = SlowAnswers(gate: gate, relaxAfter: adapter.claimLimit + .milliseconds(200), logger: logger)
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
    if mustClose {
      try await gate.closeForOneWindow(provider: adapter.settings.name)
      mustClose = false
    }
    let batch = Array(items.prefix(batchSize(limit)))
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

  /// How many may have been claimed and not begun: as many as are due in a quarter of the time they have for that.
  private func mostAtStart(_ limit: ProviderLimit) -> Int {
    let seconds = Double(limit.windowMilliseconds) / 1000
    return max(5, Int(Double(limit.count) / seconds * (adapter.claimLimit / .seconds(1)) / 4))
  }

  private func send(_ attempt: SendCommand.Attempt, _ claim: Claim, _ firstByte: FirstByte) async {
    await slowAnswers.watch(attempt.id, claim, firstByte)
    let exchange = await transport.perform(
      adapter.request(for: attempt, claimedAt: claim.issuedAt), onFirstByte: { firstByte.note($0) })
    firstByte.ended()
    await slowAnswers.forget(attempt.id)
    Failpoint.reach(.answered)
    if let verdict = adapter.verdict(on: exchange.result) {
      await endings.finish(
        Gate.Ending(
          attempt: attempt.id, verdict: verdict, startedAt: exchange.firstByteAt.map(claim.databaseTime),
          finishedAt: claim.databaseTime(exchange.finishedAt)))
    } else {
      await endings.expire(attempt.id)
    }
    sending.remove(attempt.id)
  }
}
