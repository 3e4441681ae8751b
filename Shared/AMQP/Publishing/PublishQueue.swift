import NIOConcurrencyHelpers

/// Where callers and the connection's thread meet. It outlives connections and keeps the time limits, so that a thread
/// that is busy connecting holds up nobody's answer.
final class PublishQueue: Sendable {
  typealias Waiter = CheckedContinuation<Void, any Error>
  typealias Publication = PublishBook<Waiter>.Publication

  private struct State {
    var book = PublishBook<Waiter>()
    var nextID: UInt64 = 1
    var isAccepting = true
    var isReady = false
    var isBlocked = false
    /// False from when the broker confirmed nothing for too long until it confirms something.
    var isConfirming = true
    /// The connection whose thread writes, and whether it sleeps for want of something to write.
    var worker: AMQPConnection?
    var isWorkerIdle = false
    /// The earliest instant for which a timer is set.
    var timer: ContinuousClock.Instant?
  }

  private let state = NIOLockedValueBox(State())
  /// Fires once nothing is accepted any more and everything has been answered.
  let drained = OneShot<Void>()

  var isReady: Bool { state.withLockedValue { $0.isReady && !$0.isBlocked && $0.isConfirming } }
  var isBlocked: Bool { state.withLockedValue { $0.isBlocked } }

  // MARK: For callers

  nonisolated(nonsending)
    func publish(_ message: AMQPMessage, exchange: String, routingKey: String, timeout: Duration?) async throws
  {
    let id = state.withLockedValue { state in
      defer { state.nextID += 1 }
      return state.nextID
    }
    let publication = Publication(id: id, message: message, exchange: exchange, routingKey: routingKey)
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        add(publication, deadline: timeout.map { .now + $0 }, continuation)
        // Cancelled before it was added: the handler found nothing to take out.
        if Task.isCancelled { cancel(id) }
      }
    } onCancel: {
      cancel(id)
    }
  }

  private func add(_ publication: Publication, deadline: ContinuousClock.Instant?, _ waiter: Waiter) {
    enum Next {
      case refuse
      case go(AMQPConnection?, setTimer: Bool)
    }
    let next: Next = state.withLockedValue { state in
      guard state.isAccepting else { return .refuse }
      state.book.add(publication, deadline: deadline, waiter: waiter)
      var needsTimer = false
      if let deadline, state.timer.map({ deadline < $0 }) ?? true {
        state.timer = deadline
        needsTimer = true
      }
      guard state.isWorkerIdle else { return .go(nil, setTimer: needsTimer) }
      state.isWorkerIdle = false
      return .go(state.worker, setTimer: needsTimer)
    }
    switch next {
    case .refuse: waiter.resume(throwing: PublishError(code: .closed, message: "the publisher is shut down"))
    case .go(let worker, let setTimer):
      worker?.wake()
      if setTimer, let deadline { startTimer(deadline) }
    }
  }

  private func cancel(_ id: UInt64) {
    let entry = state.withLockedValue { $0.book.remove(id) }
    entry?.waiter.resume(throwing: CancellationError())
    if entry != nil { checkDrained() }
  }

  // MARK: Time limits

  private func startTimer(_ instant: ContinuousClock.Instant) {
    Task {
      // Nobody cancels this task; were it so, expiring early does no harm: only what is due goes.
      try? await Task.sleep(until: instant, clock: .continuous)
      expire(timer: instant)
    }
  }

  private func expire(timer: ContinuousClock.Instant) {
    let (expired, next) = state.withLockedValue { state in
      let expired = state.book.removeExpired(now: .now)
      // Superseded by an earlier timer, which sets the next one.
      guard state.timer == timer else { return (expired, ContinuousClock.Instant?.none) }
      state.timer = state.book.nextDeadline
      return (expired, state.timer)
    }
    for entry in expired {
      entry.waiter.resume(
        throwing: entry.isRefused
          ? PublishError(code: .refused, message: "refused by the broker, for as long as it was tried; withdrawn")
          : PublishError(
            code: .timedOut, mayHaveArrived: entry.wasWritten, message: "not confirmed in time; withdrawn"))
    }
    if let next { startTimer(next) }
    if !expired.isEmpty { checkDrained() }
  }

  // MARK: For the connection

  func attach(_ worker: AMQPConnection) {
    state.withLockedValue { state in
      state.worker = worker
      state.isWorkerIdle = false
      state.isBlocked = false
    }
  }

  func detach() {
    state.withLockedValue { state in
      state.worker = nil
      state.isWorkerIdle = false
      state.isReady = false
      state.isBlocked = false
    }
  }

  func setReady(_ isReady: Bool) { state.withLockedValue { $0.isReady = isReady } }
  func setConfirming(_ isConfirming: Bool) { state.withLockedValue { $0.isConfirming = isConfirming } }
  func setBlocked(_ isBlocked: Bool) { state.withLockedValue { $0.isBlocked = isBlocked } }

  /// See `PublishBook.take`. When it leaves nothing, the next publish wakes the connection.
  func take(outstanding: Int, window: Int, room: Int, now: ContinuousClock.Instant) -> [Publication] {
    state.withLockedValue { state in
      let taken = state.book.take(outstanding: outstanding, window: window, room: room, now: now)
      state.isWorkerIdle = state.book.hasNothingPending
      return taken
    }
  }

  /// When `take` will have something again by the clock alone.
  var nextRetry: ContinuousClock.Instant? { state.withLockedValue { $0.book.nextRetry } }

  func requeue(_ ids: [UInt64], areSuspects: Bool) {
    guard !ids.isEmpty else { return }
    state.withLockedValue { $0.book.requeue(ids, areSuspects: areSuspects) }
  }

  /// Answers the callers whose messages are confirmed or unroutable, and puts refused ones aside. Those whose callers
  /// have gone are passed over.
  func settle(_ settlements: [ConfirmLedger.Settlement]) {
    let now = ContinuousClock.now
    let waiters: [Waiter?] = state.withLockedValue { state in
      settlements.map { settlement in
        switch settlement.outcome {
        case .confirmed, .unroutable: return state.book.remove(settlement.id)?.waiter
        case .refused:
          state.book.postpone(settlement.id, now: now)
          return nil
        }
      }
    }
    for (settlement, waiter) in zip(settlements, waiters) {
      switch settlement.outcome {
      case .confirmed: waiter?.resume()
      case .unroutable(let reason): waiter?.resume(throwing: PublishError(code: .unroutable, message: reason))
      case .refused: break
      }
    }
    checkDrained()
  }

  func fail(_ id: UInt64, _ error: PublishError) {
    state.withLockedValue { $0.book.remove(id) }?.waiter.resume(throwing: error)
    checkDrained()
  }

  // MARK: The end

  /// Accepts nothing more; `drained` fires when all that was accepted has been answered.
  func stopAccepting() {
    state.withLockedValue { $0.isAccepting = false }
    checkDrained()
  }

  /// Accepts nothing more and answers everybody.
  func close() {
    let left = state.withLockedValue { state in
      state.isAccepting = false
      return state.book.removeAll()
    }
    for entry in left {
      entry.waiter.resume(
        throwing: PublishError(
          code: .closed, mayHaveArrived: entry.wasWritten, message: "the publisher was shut down"))
    }
    drained.fire(())
  }

  private func checkDrained() {
    if state.withLockedValue({ !$0.isAccepting && $0.book.isEmpty }) { drained.fire(()) }
  }
}
