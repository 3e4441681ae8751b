extension PostgresPool {
  /// Waits for a connection that is fit for use.
  nonisolated(nonsending) func lease(until deadline: ContinuousClock.Instant) async throws -> Lease {
    while true {
      let lease = try await next(until: deadline)
      guard lease.isStale else { return lease }
      if await lease.connection.isAlive(within: min(.seconds(2), configuration.connectTimeout)) { return lease }
      returned(lease)
    }
  }

  private nonisolated(nonsending) func next(until deadline: ContinuousClock.Instant) async throws -> Lease {
    let id = nextID()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let admission = state.withLockedValue { state in
          state.ask(id: id, waiter: Waiter(continuation, limit: expiry(of: id, at: deadline)), now: .now)
        }
        switch admission {
        case .lend(let member, let isStale, let close):
          closeAll(close)
          continuation.resume(returning: Lease(member: member, isStale: isStale))
        case .wait(let open, let close):
          closeAll(close)
          if open { openAnother() }
          // The handler below may have run before there was anything to leave.
          if Task.isCancelled { leave(id, because: .cancelledWhileWaiting) }
        case .closed:
          continuation.resume(throwing: PostgresError.poolClosed)
        }
      }
    } onCancel: {
      leave(id, because: .cancelledWhileWaiting)
    }
  }

  /// Takes a connection back.
  func returned(_ lease: Lease) {
    let isUsable = lease.connection.condition == .idle
    act(on: state.withLockedValue { $0.returned(lease.member, isUsable: isUsable, now: .now) })
  }

  private func act(on placement: State.Placement) {
    switch placement {
    case .hand(let waiter, let member): waiter.resume(returning: Lease(member: member, isStale: false))
    case .keep: break
    case .close(let member):
      closeAll([member])
      if state.withLockedValue({ $0.startsOpening() }) { openAnother() }
    case .gone(let open): if open { openAnother() }
    }
  }

  private func openAnother() {
    let connection = PostgresConnection(configuration: configuration, name: "pg-\(nextID())")
    Task {
      do {
        try await connection.open()
        // Not all at the same time: those that were opened together end up to a tenth apart.
        let age = configuration.recycleAge * Double.random(in: 0.9...1)
        let member = State.Member(connection: connection, expiresAt: .now + age)
        act(on: state.withLockedValue { $0.opened(member, now: .now) })
      } catch {
        note(error, isOpen: false)
        state.withLockedValue { $0.openingFailed() }?.resume(throwing: error)
      }
    }
  }

  private func closeAll(_ members: [State.Member]) {
    for member in members { Task { await member.connection.close() } }
  }

  private func leave(_ id: UInt64, because error: PostgresError) {
    state.withLockedValue { $0.leave(id: id) }?.resume(throwing: error)
  }

  private func expiry(of id: UInt64, at deadline: ContinuousClock.Instant) -> Task<Void, Never> {
    Task { [weak self] in
      // Cancelled when the waiter is served; then nobody waits under this id.
      try? await Task.sleep(until: deadline, clock: .continuous)
      self?.leave(id, because: .nobodyReturned)
    }
  }
}

/// A task that waits for a connection, until its time limit.
struct Waiter: Sendable {
  private let continuation: CheckedContinuation<PostgresPool.Lease, any Error>
  private let limit: Task<Void, Never>

  init(_ continuation: CheckedContinuation<PostgresPool.Lease, any Error>, limit: Task<Void, Never>) {
    self.continuation = continuation
    self.limit = limit
  }

  func resume(returning lease: PostgresPool.Lease) {
    limit.cancel()
    continuation.resume(returning: lease)
  }

  func resume(throwing error: any Error) {
    limit.cancel()
    continuation.resume(throwing: error)
  }
}

extension PostgresError {
  fileprivate static let cancelledWhileWaiting = PostgresError(
    .cancelled, "cancelled while waiting for a connection")
  fileprivate static let nobodyReturned = PostgresError(
    .poolExhausted, "no connection became free in time")
}
