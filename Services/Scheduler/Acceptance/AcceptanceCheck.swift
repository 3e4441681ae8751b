import Contracts
import DequeModule

/// Compares what the log says was accepted with what it says was queued. Pure.
///
/// A message that was accepted and never queued has been lost between the broker and the scheduler: its queue had no
/// binding, was purged or deleted. It is offered again. A message that was queued and of which nobody told that it was
/// accepted is unknown to the read side: its gateway died, or had given up on it. The scheduler tells of it.
struct AcceptanceCheck {
  struct Limits {
    /// How long a queued message may be unknown to the log before the scheduler tells of it.
    var telling = Duration.seconds(5)
    /// How long an accepted message may take to be queued before it is offered again.
    var queueing = Duration.seconds(20)
    /// Accepted messages that are waited for: beyond this the oldest are given up, since the queue has a backlog.
    var bytes = 64 << 20
    /// Recently matched messages, whose repeats mean nothing.
    var memory = 50_000
  }

  private struct Accepted {
    var body: [UInt8]
    var heardAt: ContinuousClock.Instant
    var acceptedAt: Timestamp
  }

  private let limits: Limits
  private var accepted: [MessageID: Accepted] = [:]
  private var bytes = 0
  private var queued: [MessageID: ContinuousClock.Instant] = [:]
  /// In the order of hearing; may name messages that are matched.
  private var acceptedOrder: Deque<MessageID> = []
  private var queuedOrder: Deque<MessageID> = []
  private var matched: Set<MessageID> = []
  private var matchedOrder: Deque<MessageID> = []

  init(limits: Limits = Limits()) { self.limits = limits }

  /// When the oldest message was accepted that is waited for; nil when none is.
  var oldest: Timestamp? { accepted.values.lazy.map(\.acceptedAt).min() }

  mutating func hear(accepted id: MessageID, at time: Timestamp, body: [UInt8], now: ContinuousClock.Instant) {
    guard !matched.contains(id), accepted[id] == nil else { return }
    if queued.removeValue(forKey: id) != nil { return match(id) }
    accepted[id] = Accepted(body: body, heardAt: now, acceptedAt: time)
    acceptedOrder.append(id)
    bytes += body.count
    while bytes > limits.bytes, let first = acceptedOrder.popFirst() { forget(first) }
  }

  mutating func hear(queued ids: [MessageID], now: ContinuousClock.Instant) {
    for id in ids where !matched.contains(id) && queued[id] == nil {
      if accepted[id] != nil {
        forget(id)
        match(id)
      } else {
        queued[id] = now
        queuedOrder.append(id)
      }
    }
  }

  /// Messages that were accepted and not queued in time. Each is named once, until it is heard of again.
  mutating func takeUnqueued(now: ContinuousClock.Instant) -> [(acceptedAt: Timestamp, body: [UInt8])] {
    var due: [(acceptedAt: Timestamp, body: [UInt8])] = []
    while let id = acceptedOrder.first {
      if let entry = accepted[id] {
        guard now - entry.heardAt >= limits.queueing, due.count < 256 else { break }
        due.append((entry.acceptedAt, entry.body))
        forget(id)
      }
      acceptedOrder.removeFirst()
    }
    return due
  }

  /// Messages that were queued and of which nobody has told in time. Each is named once.
  mutating func takeUntold(now: ContinuousClock.Instant) -> [MessageID] {
    var due: [MessageID] = []
    while let id = queuedOrder.first {
      if let heardAt = queued[id] {
        guard now - heardAt >= limits.telling, due.count < 256 else { break }
        due.append(id)
        queued[id] = nil
        match(id)
      }
      queuedOrder.removeFirst()
    }
    return due
  }

  private mutating func forget(_ id: MessageID) {
    if let entry = accepted.removeValue(forKey: id) { bytes -= entry.body.count }
  }

  private mutating func match(_ id: MessageID) {
    matched.insert(id)
    matchedOrder.append(id)
    while matchedOrder.count > limits.memory, let first = matchedOrder.popFirst() { matched.remove(first) }
  }
}
