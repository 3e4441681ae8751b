import DequeModule
import Glibc
import NIOConcurrencyHelpers

/// Where the application and the connection's thread meet: deliveries one way, acknowledgements and wishes the other.
final class ConsumerMailbox: Sendable {
  struct Acknowledgement: Sendable {
    var token: AMQPDelivery.Token
    var multiple: Bool
  }

  /// What the application wants of the connection.
  struct Wishes: Sendable {
    var acknowledgements: [Acknowledgement] = []
    var isConsumingWanted = true
    /// Subscriptions to be started anew, at a new position.
    var restarts: [Int] = []
    /// After the end: how many deliveries of this channel the application has not seen. They go back to their queues.
    var unseen: Int?
  }

  private struct State {
    var buffer: Deque<AMQPDelivery> = []
    var waiters: Deque<(id: UInt64, continuation: CheckedContinuation<Void, Never>)> = []
    var nextWaiter: UInt64 = 1
    var isFinished = false
    var isPaused = false
    var isReady = false
    var acknowledgements: [Acknowledgement] = []
    var restarts: [Int] = []
    /// Deliveries of this epoch that came too late to be seen.
    var unseen = 0
    var cursors: [StreamCursor?]
    /// Of streams that are never silent for long.
    var silences: [SilenceWatch?]
    /// Counts channels: what is of another epoch is stale.
    var epoch: UInt64 = 1
    var worker: AMQPConnection?
    var isWorkerIdle = false

    mutating func takeWorker() -> AMQPConnection? {
      guard isWorkerIdle else { return nil }
      isWorkerIdle = false
      return worker
    }
  }

  let subscriptions: [AMQPSubscription]
  private let state: NIOLockedValueBox<State>

  init(subscriptions: [AMQPSubscription]) {
    self.subscriptions = subscriptions
    state = NIOLockedValueBox(
      State(
        cursors: subscriptions.map { $0.streamOffset.map(StreamCursor.init) },
        silences: subscriptions.map { $0.silence.map(SilenceWatch.init) }))
  }

  var isReady: Bool { state.withLockedValue { $0.isReady } }
  var isFinished: Bool { state.withLockedValue { $0.isFinished } }

  // MARK: For the application

  /// Waits until something is there.
  /// - Returns: up to `count` deliveries, in order; none when finished or cancelled.
  func take(upTo count: Int) async -> [AMQPDelivery] {
    while true {
      let (taken, isFinished) = state.withLockedValue { state in
        let taken = Array(state.buffer.prefix(max(1, count)))
        state.buffer.removeFirst(taken.count)
        return (taken, state.isFinished)
      }
      if !taken.isEmpty || isFinished || Task.isCancelled { return taken }
      await waitForDelivery()
    }
  }

  private func waitForDelivery() async {
    let id = state.withLockedValue { state in
      defer { state.nextWaiter += 1 }
      return state.nextWaiter
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLockedValue { state in
          guard state.buffer.isEmpty, !state.isFinished else { return true }
          state.waiters.append((id, continuation))
          return false
        }
        if isOver { continuation.resume() } else if Task.isCancelled { endWait(id) }
      }
    } onCancel: {
      endWait(id)
    }
  }

  private func endWait(_ id: UInt64) {
    let continuation = state.withLockedValue { state in
      state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0).continuation }
    }
    continuation?.resume()
  }

  func acknowledge(_ token: AMQPDelivery.Token, multiple: Bool) {
    let worker: AMQPConnection? = state.withLockedValue { state in
      guard token.epoch == state.epoch else { return nil }
      state.acknowledgements.append(Acknowledgement(token: token, multiple: multiple))
      return state.takeWorker()
    }
    worker?.wake()
  }

  func isCurrent(_ token: AMQPDelivery.Token) -> Bool { state.withLockedValue { token.epoch == $0.epoch } }

  func setPaused(_ isPaused: Bool) {
    let worker = state.withLockedValue { state in
      state.isPaused = isPaused
      return state.takeWorker()
    }
    worker?.wake()
  }

  /// Goes on reading a stream from this offset; what is buffered of it is forgotten.
  func move(_ queue: String, to offset: UInt64) {
    let worker = state.withLockedValue { state in
      for index in subscriptions.indices where subscriptions[index].queue == queue && state.cursors[index] != nil {
        state.cursors[index]?.move(to: offset)
        state.restarts.append(index)
      }
      state.buffer.removeAll { $0.queue == queue && $0.streamOffset != nil }
      return state.takeWorker()
    }
    worker?.wake()
  }

  /// Ends the sequence; what is buffered goes back to the broker when the connection closes.
  func finish() {
    let (waiters, worker) = state.withLockedValue { state in
      state.isFinished = true
      state.isReady = false
      state.unseen += state.buffer.count
      state.buffer = []
      defer { state.waiters = [] }
      return (state.waiters, state.takeWorker())
    }
    for waiter in waiters { waiter.continuation.resume() }
    worker?.wake()
  }

  // MARK: For the connection

  func attach(_ worker: AMQPConnection) {
    state.withLockedValue { state in
      state.worker = worker
      state.isWorkerIdle = false
    }
  }

  func detach() {
    state.withLockedValue { state in
      state.worker = nil
      state.isWorkerIdle = false
      state.isReady = false
      for index in state.silences.indices { state.silences[index]?.stopped() }
    }
  }

  /// Starts a new channel's epoch. What was buffered and not handed out comes again.
  func beginEpoch() -> UInt64 {
    state.withLockedValue { state in
      for delivery in state.buffer {
        guard let offset = delivery.streamOffset else { continue }
        for index in subscriptions.indices where subscriptions[index].queue == delivery.queue {
          state.cursors[index]?.takeBack(offset)
        }
      }
      state.buffer = []
      state.acknowledgements = []
      state.unseen = 0
      state.isReady = false
      state.epoch += 1
      return state.epoch
    }
  }

  /// The next wish wakes the connection.
  func takeWishes() -> Wishes {
    state.withLockedValue { state in
      defer {
        state.acknowledgements = []
        state.restarts = []
        state.isWorkerIdle = true
      }
      return Wishes(
        acknowledgements: state.acknowledgements, isConsumingWanted: !state.isPaused && !state.isFinished,
        restarts: state.restarts, unseen: state.isFinished ? state.unseen : nil)
    }
  }

  func setReady(_ isReady: Bool) { state.withLockedValue { $0.isReady = isReady && !$0.isFinished } }

  /// Where to begin to read; nil for a queue that is no stream.
  func streamStart(_ index: Int) -> StreamOffset? {
    state.withLockedValue { $0.cursors[index]?.start(nowSeconds: UInt64(clamping: Glibc.time(nil))) }
  }

  /// A subscription is being delivered from now on, or no more.
  func setListening(_ index: Int, _ isListening: Bool) {
    state.withLockedValue { state in
      if isListening { state.silences[index]?.began(now: .now) } else { state.silences[index]?.stopped() }
    }
  }

  /// When the next stream has been silent for too long.
  var silenceDeadline: ContinuousClock.Instant? {
    state.withLockedValue { $0.silences.compactMap { $0?.deadline }.min() }
  }

  /// The streams that are due go on to another connection.
  /// - Returns: The first of them.
  func giveUpSilent(now: ContinuousClock.Instant) -> Int? {
    state.withLockedValue { state in
      var first: Int?
      for index in state.silences.indices where state.silences[index]?.deadline.map({ $0 <= now }) ?? false {
        state.silences[index]?.gaveUp()
        first = first ?? index
      }
      return first
    }
  }

  /// Hands deliveries, each with the index of its subscription, to the application.
  /// - Returns: the tags of those that nobody wants, to be acknowledged.
  func deliver(_ deliveries: [(index: Int, delivery: AMQPDelivery)]) -> [UInt64] {
    let (unwanted, waiter) = state.withLockedValue { state in
      var unwanted: [UInt64] = []
      for (index, delivery) in deliveries {
        state.silences[index]?.heard(now: .now)
        if state.isFinished {
          state.unseen += 1
          continue
        }
        if let offset = delivery.streamOffset, state.cursors[index]?.accept(offset) == false {
          unwanted.append(delivery.token.tag)
        } else {
          state.buffer.append(delivery)
        }
      }
      return (unwanted, state.buffer.isEmpty ? nil : state.waiters.popFirst())
    }
    waiter?.continuation.resume()
    return unwanted
  }
}
