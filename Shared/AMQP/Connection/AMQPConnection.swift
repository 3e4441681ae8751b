import BlockingIO

/// One connection to one broker host, on a thread of its own, used once: opened, run, closed.
actor AMQPConnection {
  /// How a connection ended: nil when it was closed on purpose.
  typealias End = AMQPError?

  private nonisolated let waiter: PollWaiter
  private nonisolated let executor: ThreadExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  /// Fires when the connection has ended, also when it never came to be.
  nonisolated let ended = OneShot<End>()

  private let configuration: AMQPConfiguration
  nonisolated let host: AMQPConfiguration.Host
  private var link: Link?
  private var role: (any ConnectionRole)?
  private var isClosed = false

  /// More frames than this at a time would starve the writing side and the actor's other jobs.
  private static let framesPerTurn = 256

  init(configuration: AMQPConfiguration, host: AMQPConfiguration.Host) {
    self.configuration = configuration
    self.host = host
    let waiter = PollWaiter()
    self.waiter = waiter
    executor = ThreadExecutor(name: "amqp \(configuration.connectionName)", waiter: waiter)
  }

  /// Ends a sleep of the connection's thread. Callable from anywhere.
  nonisolated func wake() { waiter.wake() }

  /// Connects and logs in, then serves `makeRole`'s role until the end. Blocks the own thread, not the caller's.
  func open(makeRole: @Sendable (AMQPConnection) -> any ConnectionRole) throws(AMQPError) {
    guard !isClosed else { throw AMQPError(.lost, "closed before it was open") }
    do throws(AMQPError) {
      let link = try Link()
      try link.open(configuration, host: host)
      let role = makeRole(self)
      self.link = link
      self.role = role
      waiter.watch(link.fileDescriptor, for: .readable)
      executor.onTurn { [weak self] in self?.assumeIsolated { $0.pump() } }
      try role.start(link)
    } catch {
      end(error)
      throw error
    }
  }

  /// Writes what waits, says good-bye and closes. Takes at most about a second.
  func close() {
    if let link, let role {
      do throws(AMQPError) {
        try role.flush(link, now: .now)
        link.close()
      } catch {
        return end(error)
      }
    }
    end(nil)
  }

  /// Ends it at once, without a good-bye.
  func abandon(_ error: AMQPError) { end(error) }

  /// The frame loop's body: reads what has come, writes what waits, sets the next wake-up.
  private func pump() {
    guard let link, let role else { return }
    do throws(AMQPError) {
      var frames = 0
      while frames < Self.framesPerTurn, let frame = try link.next() {
        frames += 1
        try role.handle(frame, link)
        if case .method(_, .connectionClose(let reason)) = frame {
          try link.confirmConnectionClose()
          throw AMQPError(.closedByBroker, replyCode: reason.code, reason.text)
        }
      }
      let now = ContinuousClock.now
      try role.flush(link, now: now)
      if frames == Self.framesPerTurn { waiter.wake() }
      let beat = now + configuration.heartbeat / 2
      waiter.setDeadline(min(beat, role.deadline ?? beat))
    } catch {
      end(error)
    }
  }

  private func end(_ error: AMQPError?) {
    guard !isClosed else { return }
    isClosed = true
    waiter.unwatch()
    waiter.setDeadline(nil)
    executor.onTurn(nil)
    let role = self.role
    link = nil
    self.role = nil
    role?.end(error)
    ended.fire(error)
  }
}
