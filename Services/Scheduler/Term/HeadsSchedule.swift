import Contracts
import Metering

/// When to tell the readers of the queue's heads: what changed at most once a second, everything now and then. Pure.
struct HeadsSchedule: Sendable {
  let epoch: Int64
  private var changedAt: Timestamp?
  private var completeAt: Timestamp?
  /// Something changed that moves no head: a provider's state, the switch for all sending, a user's pause.
  var isOverdue = false

  init(epoch: Int64) { self.epoch = epoch }

  /// Heads were lost on their way: the next ones are complete.
  mutating func startOver() { completeAt = nil }

  /// The heads to publish now, if any.
  mutating func next(_ queue: inout DispatchQueue, paused: Set<UserID>, now: Timestamp) -> QueueChanged? {
    // All heads every 5 s; with many flows less often, so that readers see at most about 200 heads a second, but every
    // minute: older heads are no ground for a forecast.
    let interval = Duration.seconds(min(60, max(5, queue.fair.headCount / 200)))
    if completeAt.map({ now - $0 >= interval }) ?? true {
      (changedAt, completeAt) = (now, now)
      _ = queue.takeChangedHeads()
      return change(queue, flows: queue.heads(), isComplete: true, paused: paused, now: now)
    }
    guard queue.fair.hasChangedHeads || isOverdue, isOverdue || (changedAt.map { now - $0 >= .seconds(1) } ?? true)
    else { return nil }
    changedAt = now
    isOverdue = false
    return change(queue, flows: queue.takeChangedHeads(), isComplete: false, paused: paused, now: now)
  }

  private func change(
    _ queue: DispatchQueue, flows: [FlowHead], isComplete: Bool, paused: Set<UserID>, now: Timestamp
  ) -> QueueChanged {
    QueueChanged(
      asOf: now, isComplete: isComplete, epoch: epoch, virtualTime: queue.fair.virtualTime,
      classes: queue.fair.classHeads(), flows: flows,
      providers: queue.board.providers.map { $0.pace(now: now.seconds) }, globalRate: queue.board.globalRate,
      isSending: queue.isSending,
      pausedUsers: paused.isEmpty ? nil : paused.sorted { $0.description < $1.description })
  }
}
