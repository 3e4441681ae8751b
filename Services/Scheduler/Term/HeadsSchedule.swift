import Contracts
import Metering

/// When to tell the readers of the queue's heads: what changed at most once a second, everything now and then. Pure.
struct HeadsSchedule: Sendable {
  /// Bytes of one part of complete heads, about: brokers take no messages of any size, and readers are not held up by one.
  static let partSize = 400_000
  /// Seconds until heads that were lost are told again: doubled each time, up to the second.
  static let pauses = (first: 1.0, longest: 60.0)

  let epoch: Int64
  private var changedAt: Timestamp?
  private var completeAt: Timestamp?
  /// Parts of complete heads that have not been told.
  private var parts: [QueueChanged] = []
  /// Not before: heads were lost on their way.
  private var resumesAt: Timestamp?
  private var pause = 0.0
  /// Something changed that moves no head: a provider's state, the switch for all sending.
  var isOverdue = false

  init(epoch: Int64) { self.epoch = epoch }

  /// Heads were lost on their way: the next ones are complete, after a while.
  mutating func startOver(now: Timestamp) {
    completeAt = nil
    parts = []
    pause = min(max(Self.pauses.first, pause * 2), Self.pauses.longest)
    resumesAt = now + .seconds(pause)
  }

  /// Heads arrived.
  mutating func noteTold() {
    if parts.isEmpty { pause = 0 }
  }

  /// The heads to publish now, if any.
  mutating func next(_ queue: inout DispatchQueue, paused: Set<UserID>, now: Timestamp) -> QueueChanged? {
    if let resumesAt, now < resumesAt { return nil }
    resumesAt = nil
    if !parts.isEmpty { return parts.removeFirst() }
    // All heads every 5 s; with many flows less often, so that readers see at most about 200 heads a second, but every
    // minute: older heads are no ground for a forecast.
    let interval = Duration.seconds(min(60, max(5, queue.fair.headCount / 200)))
    if completeAt.map({ now - $0 >= interval }) ?? true {
      (changedAt, completeAt) = (now, now)
      _ = queue.takeChangedHeads()
      parts = complete(queue, paused: paused, now: now)
      return parts.removeFirst()
    }
    guard queue.fair.hasChangedHeads || isOverdue, isOverdue || (changedAt.map { now - $0 >= .seconds(1) } ?? true)
    else { return nil }
    changedAt = now
    isOverdue = false
    return change(queue, flows: queue.takeChangedHeads(), isComplete: false, now: now)
  }

  /// All heads, in parts of a size that every broker takes.
  private func complete(_ queue: DispatchQueue, paused: Set<UserID>, now: Timestamp) -> [QueueChanged] {
    var groups: [[FlowHead]] = [[]]
    var size = 0
    for head in queue.heads() {
      if size + head.approximateSize > Self.partSize, groups[groups.count - 1].isEmpty == false {
        groups.append([])
        size = 0
      }
      groups[groups.count - 1].append(head)
      size += head.approximateSize
    }
    return groups.enumerated().map { index, flows in
      var part = change(queue, flows: flows, isComplete: true, now: now)
      if groups.count > 1 { (part.part, part.parts) = (index + 1, groups.count) }
      if index == 0, !paused.isEmpty { part.pausedUsers = paused.sorted { $0.description < $1.description } }
      return part
    }
  }

  private func change(_ queue: DispatchQueue, flows: [FlowHead], isComplete: Bool, now: Timestamp) -> QueueChanged {
    QueueChanged(
      asOf: now, isComplete: isComplete, epoch: epoch, virtualTime: queue.fair.virtualTime,
      classes: queue.fair.classHeads(), flows: flows,
      providers: queue.board.providers.map { $0.pace(now: now.seconds) }, globalRate: queue.board.globalRate,
      isSending: queue.isSending)
  }
}

extension FlowHead {
  /// Bytes as JSON, rather too many.
  fileprivate var approximateSize: Int {
    240 + 40 * ((tags?.count ?? 0) + (steps?.count ?? 0) + (providers?.count ?? 0))
      + (holes ?? []).reduce(0) { $0 + 48 + ($1.bits?.utf8.count ?? 0) }
  }
}
