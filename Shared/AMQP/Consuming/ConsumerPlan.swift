/// Which queue to look for, consume from or leave next.
///
/// A queue is looked for before it is consumed from, on a channel of its own: a missing one makes the broker close that
/// channel, and the deliveries of the other queues must not suffer. One queue at a time is being started, so that it is
/// known which one an error is about.
struct ConsumerPlan {
  enum Phase: Equatable {
    case idle(notBefore: ContinuousClock.Instant?)
    case looking
    case starting
    case consuming
    case stopping
  }

  enum Action: Equatable {
    case look(Int)
    case cancel(Int)
  }

  private(set) var phases: [Phase]
  private var mustRestart: Set<Int> = []

  init(count: Int) { phases = Array(repeating: .idle(notBefore: nil), count: count) }

  /// The subscription that is being looked for or started.
  var inProgress: Int? { phases.firstIndex { $0 == .looking || $0 == .starting } }
  var isConsumingAll: Bool { phases.allSatisfy { $0 == .consuming } }

  /// What to do now; ask until nil.
  mutating func next(isWanted: Bool, now: ContinuousClock.Instant) -> Action? {
    for index in phases.indices where phases[index] == .consuming && (!isWanted || mustRestart.contains(index)) {
      mustRestart.remove(index)
      phases[index] = .stopping
      return .cancel(index)
    }
    guard isWanted, inProgress == nil else { return nil }
    for index in phases.indices {
      guard case .idle(let notBefore) = phases[index], notBefore.map({ $0 <= now }) ?? true else { continue }
      mustRestart.remove(index)
      phases[index] = .looking
      return .look(index)
    }
    return nil
  }

  /// When `next` will have something to do by the clock alone.
  var deadline: ContinuousClock.Instant? {
    guard inProgress == nil else { return nil }
    return phases.compactMap { if case .idle(let notBefore?) = $0 { notBefore } else { nil } }.min()
  }

  /// - Returns: the subscription whose queue is there, to be started now.
  mutating func found() -> Int? {
    guard let index = phases.firstIndex(of: .looking) else { return nil }
    phases[index] = .starting
    return index
  }

  /// The queue that was looked for is missing, or the broker refused the start.
  /// - Returns: the subscription.
  @discardableResult
  mutating func failed(retryAt: ContinuousClock.Instant) -> Int? {
    guard let index = inProgress else { return nil }
    phases[index] = .idle(notBefore: retryAt)
    return index
  }

  mutating func started(_ index: Int) {
    guard phases[index] == .starting else { return }
    phases[index] = .consuming
  }

  mutating func stopped(_ index: Int) {
    guard phases[index] == .stopping else { return }
    phases[index] = .idle(notBefore: nil)
  }

  /// The broker ended this consumer.
  mutating func cancelled(_ index: Int, retryAt: ContinuousClock.Instant) {
    phases[index] = .idle(notBefore: retryAt)
  }

  /// Leaves and starts again, where the subscription now says.
  mutating func restart(_ index: Int) { mustRestart.insert(index) }

  /// The channel of all consumers is gone. Looking goes on.
  /// - Parameter refusedUntil: When to start again the one that was being started, and so is to blame.
  mutating func channelClosed(retryAt: ContinuousClock.Instant, refusedUntil: ContinuousClock.Instant) {
    for index in phases.indices {
      switch phases[index] {
      case .starting: phases[index] = .idle(notBefore: refusedUntil)
      case .consuming, .stopping: phases[index] = .idle(notBefore: retryAt)
      case .idle, .looking: break
      }
    }
  }
}
