import AMQP
import DequeModule
import NIOConcurrencyHelpers
import Postgres
import ServiceKit
import ServiceLifecycle

/// The scheduler's deliveries, which belong to the process and not to a term: what is not acknowledged when the database
/// is lost is kept and handled again by the next term.
///
/// The broker counts a delivery only when it takes it back. It does so when another replica leads, when this one stops or
/// does not lead again soon, and when a term ends by something else than the database's absence, so that whoever brings
/// terms down is found by its count.
final class DeliveryFeed: Service, Sendable {
  /// Terms in a row that may lose the database before any delivery is acknowledged: more than these, and a delivery may be
  /// what the database breaks on.
  static let fruitlessTerms = 5

  /// How long deliveries are kept without a term: about the lease. Then another replica may lead, and would miss them.
  static let longestKeep = Duration.seconds(5)

  private struct Running: Sendable {
    var consumer: AMQPConsumer
    var work: Task<Void, Never>
  }

  private struct State {
    var running: Running?
    var inbox: Inbox?
    /// Delivered and not acknowledged, in order of arrival.
    var held: [AMQPDelivery.Token: (place: UInt64, delivery: AMQPDelivery)] = [:]
    var nextPlace: UInt64 = 0
    var fruitless = 0
    /// Counts terms that began or ended.
    var turn: UInt64 = 0

    /// Forgets all; the caller closes what ran.
    mutating func takeRunning() -> Running? {
      defer { (running, inbox, held, fruitless) = (nil, nil, [:], 0) }
      return running
    }
  }

  private let state = NIOLockedValueBox(State())
  private let makeConsumer: @Sendable () -> AMQPConsumer

  init(_ makeConsumer: @escaping @Sendable () -> AMQPConsumer) { self.makeConsumer = makeConsumer }

  /// Consumes from now on, if it does not, into this inbox; what was kept comes first.
  func open(into inbox: Inbox) {
    let kept = state.withLockedValue { state -> [AMQPDelivery] in
      if state.running == nil { state.running = start() }
      state.turn += 1
      state.inbox = inbox
      guard let consumer = state.running?.consumer else { return [] }
      state.held = state.held.filter { consumer.isCurrent($0.value.delivery) }
      return state.held.values.sorted { $0.place < $1.place }.map(\.delivery)
    }
    for delivery in kept { inbox.add(delivery) }
  }

  /// A term has ended: what is not acknowledged is kept for the next one, or goes back to the broker.
  func close(after error: any Error) async {
    let (keeps, turn) = state.withLockedValue { state in
      state.turn += 1
      state.inbox = nil
      guard error.isLostTerm else { return (false, state.turn) }
      state.fruitless += 1
      return (state.fruitless <= Self.fruitlessTerms, state.turn)
    }
    guard keeps else { return await close() }
    Task {
      try await Task.sleep(for: Self.longestKeep)
      await close(state.withLockedValue { $0.turn == turn ? $0.takeRunning() : nil })
    }
  }

  /// Gives all that is not acknowledged back to the broker.
  func close() async { await close(state.withLockedValue { $0.takeRunning() }) }

  private func close(_ running: Running?) async {
    guard let running else { return }
    await running.consumer.close()
    await running.work.value
  }

  func acknowledge(_ delivery: AMQPDelivery) async {
    let consumer = state.withLockedValue { state in
      state.fruitless = 0
      state.held[delivery.token] = nil
      return state.running?.consumer
    }
    await consumer?.acknowledge(delivery)
  }

  /// Waits for the shutdown, and then gives back what is there.
  func run() async throws {
    // Ends by the shutdown or by cancellation: either way it is time to close.
    try? await gracefulShutdown()
    await close()
  }

  private func start() -> Running {
    let consumer = makeConsumer()
    let work = Task {
      await withTaskGroup(of: Void.self) { group in
        // It reconnects for ever and throws nothing.
        group.addTask { try? await consumer.run() }
        group.addTask { for await delivery in consumer.deliveries { self.take(delivery, from: consumer) } }
      }
    }
    return Running(consumer: consumer, work: work)
  }

  private func take(_ delivery: AMQPDelivery, from consumer: AMQPConsumer) {
    let inbox = state.withLockedValue { state in
      guard state.running?.consumer === consumer else { return nil as Inbox? }
      // The first of a new connection: what came by the old one comes again.
      if state.held.first.map({ !consumer.isCurrent($0.value.delivery) }) ?? false {
        state.held = state.held.filter { consumer.isCurrent($0.value.delivery) }
      }
      state.held[delivery.token] = (state.nextPlace, delivery)
      state.nextPlace += 1
      return state.inbox
    }
    inbox?.add(delivery)
  }
}

extension Error {
  /// The database or the leadership was lost: no delivery's fault.
  fileprivate var isLostTerm: Bool {
    if self is CancellationError { return true }
    if let error = self as? PostgresError {
      return error.isConnection || error.code == .poolExhausted || error.code == .cancelled || error.isShutdown
    }
    switch self as? StoreError {
    case .deposed, .clockStepped: return true
    case .outOfStep, .unexpectedValue, nil: return false
    }
  }
}

extension PostgresError {
  /// The server is going down or coming up (class 57P).
  fileprivate var isShutdown: Bool { sqlState?.hasPrefix("57P") ?? false }
}
