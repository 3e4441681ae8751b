import Logging
import NIOConcurrencyHelpers

/// Keeps a connection: connects, and again after every loss, until stopped.
final class ConnectionLoop: Sendable {
  private struct State {
    var isStopped = false
    var current: AMQPConnection?
    var isOpen = false
    var pause: OneShot<Void>?
  }

  private let configuration: AMQPConfiguration
  private let followsPublisher: Bool
  private let logger: Logger
  private let state = NIOLockedValueBox(State())

  /// - Parameter followsPublisher: The connection stays on the host where the process's publisher works.
  init(configuration: AMQPConfiguration, followsPublisher: Bool = false, logger: Logger) {
    self.configuration = configuration
    self.followsPublisher = followsPublisher
    self.logger = logger
  }

  private var isStopped: Bool { state.withLockedValue { $0.isStopped } }

  /// Returns when `stop()` was called and the connection is closed, or when `isDone` is true after a loss.
  func run(
    isDone: @Sendable () -> Bool = { false }, _ makeRole: @escaping @Sendable (AMQPConnection) -> any ConnectionRole
  ) async {
    var delay = ReconnectDelay()
    let board = configuration.board
    var order = HostOrder(board.order(of: configuration.hosts))
    while !isStopped, !isDone(),
      let host = order.next(avoiding: board.suspects(), home: followsPublisher ? board.home : nil)
    {
      let heldFor = await serve(host, makeRole)
      order.setBack(host)
      if isStopped || isDone() { return }
      let pause = delay.afterLoss(
        heldFor: heldFor, hosts: configuration.hosts.count, random: .random(in: 0..<1))
      if pause > .zero { await sleep(pause) }
    }
  }

  /// Closes the connection and ends `run`. What is still connecting is abandoned, not waited for.
  func stop() {
    let (connection, isOpen, pause) = state.withLockedValue { state in
      defer { state.isStopped = true }
      return state.isStopped ? (nil, false, nil) : (state.current, state.isOpen, state.pause)
    }
    pause?.fire(())
    guard let connection else { return }
    Task { await connection.close() }
    Task {
      // A thread that hangs in a write or a name server does not hold up the end of the process.
      if isOpen { try await Task.sleep(for: .seconds(3)) }
      connection.ended.fire(nil)
    }
  }

  /// - Returns: how long the connection held; nil when it did not come to be.
  private func serve(
    _ host: AMQPConfiguration.Host, _ makeRole: @escaping @Sendable (AMQPConnection) -> any ConnectionRole
  ) async -> Duration? {
    let connection = AMQPConnection(configuration: configuration, host: host)
    let metadata: Logger.Metadata = [
      "amqp.host": "\(host)", "amqp.connection": "\(configuration.connectionName)",
    ]
    let isStopped = state.withLockedValue { state in
      state.current = connection
      state.isOpen = false
      return state.isStopped
    }
    defer { state.withLockedValue { $0.current = nil } }
    if isStopped { return nil }
    let guest = configuration.board.enter(host, followsPublisher: followsPublisher) { Self.leave(connection, $0) }
    defer { configuration.board.left(guest) }
    let homeward = followsPublisher ? Task { try await self.leave(connection, whenAwayFromHome: host) } : nil
    defer { homeward?.cancel() }
    let opened = OneShot<ContinuousClock.Instant?>()
    Task {
      do {
        try await connection.open(makeRole: makeRole)
        state.withLockedValue { if $0.current === connection { $0.isOpen = true } }
        logger.info("connected to the broker", metadata: metadata)
        opened.fire(.now)
      } catch {
        opened.fire(nil)
        connection.ended.fire(error as? AMQPError ?? AMQPError(.other, "not connected"))
      }
    }
    let end = await connection.ended.wait()
    // Not fired yet: abandoned by `stop()`.
    if self.isStopped { return nil }
    if end?.code == .stalled { configuration.board.isStalled(host, of: configuration.hosts.count) }
    let since = await opened.wait()
    if since == nil {
      logger.warning("no connection to the broker", metadata: metadata.merging(reason(end)) { $1 })
    } else if let end {
      logger.warning("connection to the broker lost", metadata: metadata.merging(reason(end)) { $1 })
    }
    return since.map { $0.duration(to: .now) }
  }

  /// A follower that could not be where the publisher works tries again every 10 s.
  private func leave(_ connection: AMQPConnection, whenAwayFromHome host: AMQPConfiguration.Host) async throws {
    while true {
      try await Task.sleep(for: .seconds(10))
      let board = configuration.board
      if let home = board.home, home != host, !board.suspects().contains(home) { return Self.leave(connection, .moved) }
    }
  }

  /// Ends a connection from outside, also one whose thread hangs.
  private static func leave(_ connection: AMQPConnection, _ reason: HostBoard.Reason) {
    let error = AMQPError(.silent, reason.rawValue)
    Task { await connection.abandon(error) }
    Task {
      try await Task.sleep(for: .seconds(1))
      connection.ended.fire(error)
    }
  }

  private func reason(_ error: AMQPError?) -> Logger.Metadata {
    guard let error else { return [:] }
    var metadata: Logger.Metadata = ["error.code": "\(error.code.rawValue)", "error.message": "\(error.message)"]
    if let replyCode = error.replyCode { metadata["amqp.reply_code"] = "\(replyCode)" }
    return metadata
  }

  /// Waits, but not beyond `stop()`.
  private func sleep(_ duration: Duration) async {
    let pause = OneShot<Void>()
    let isStopped = state.withLockedValue { state in
      state.pause = pause
      return state.isStopped
    }
    if isStopped { return }
    let timer = Task {
      // Cancelled means that the pause is over already.
      try? await Task.sleep(for: duration)
      pause.fire(())
    }
    await pause.wait()
    timer.cancel()
  }
}
