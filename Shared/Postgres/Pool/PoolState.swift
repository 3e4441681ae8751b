import DequeModule

/// Decides which connection goes to whom: a pure value, told what happens and answering what to do.
///
/// At most `size + overflow` connections are idle, lent or being opened. Waiters are served in order of arrival.
struct PoolState<Connection: Sendable, Waiter: Sendable>: Sendable {
  typealias Instant = ContinuousClock.Instant

  /// A connection with what is known of its age.
  struct Member: Sendable {
    var connection: Connection
    /// When it is due to be replaced.
    var expiresAt: Instant
  }

  /// What to do for somebody who asks for a connection.
  enum Admission {
    /// Take this one, after a sign of life if it was idle for long. The rest is to be closed.
    case lend(Member, isStale: Bool, close: [Member])
    /// Wait; open another connection if told so.
    case wait(open: Bool, close: [Member])
    case closed
  }

  /// What to do with a connection that is free.
  enum Placement {
    case hand(Waiter, Member)
    case keep
    case close(Member)
    /// Nothing is left of it; open another one for those who wait if told so.
    case gone(open: Bool)
  }

  private let size: Int
  private let overflow: Int
  private let idleCheck: Duration
  private var idle: [(member: Member, since: Instant)] = []
  private var waiters: Deque<(id: UInt64, waiter: Waiter)> = []
  private(set) var lent = 0
  private(set) var opening = 0
  private(set) var isClosed = false

  init(size: Int, overflow: Int, idleCheck: Duration) {
    self.size = max(1, size)
    self.overflow = max(0, overflow)
    self.idleCheck = idleCheck
  }

  private var total: Int { idle.count + lent + opening }
  private var mayOpen: Bool { opening < waiters.count && total < size + overflow }

  /// Somebody asks. The connection that was used last is lent first, so that surplus ones grow old.
  mutating func ask(id: UInt64, waiter: @autoclosure () -> Waiter, now: Instant) -> Admission {
    guard !isClosed else { return .closed }
    var expired: [Member] = []
    while let (member, since) = idle.popLast() {
      guard member.expiresAt > now else {
        expired.append(member)
        continue
      }
      lent += 1
      return .lend(member, isStale: now - since > idleCheck, close: expired)
    }
    waiters.append((id, waiter()))
    return .wait(open: startsOpening(), close: expired)
  }

  /// A connection was opened.
  mutating func opened(_ member: Member, now: Instant) -> Placement {
    opening -= 1
    return place(member, now: now)
  }

  /// A connection could not be opened: the first who waits is told so.
  mutating func openingFailed() -> Waiter? {
    opening -= 1
    return waiters.isEmpty ? nil : waiters.removeFirst().waiter
  }

  /// A connection came back; `isUsable` is false when it was lost.
  mutating func returned(_ member: Member, isUsable: Bool, now: Instant) -> Placement {
    lent -= 1
    guard isUsable, !isClosed, member.expiresAt > now else {
      return isUsable ? .close(member) : .gone(open: startsOpening())
    }
    return place(member, now: now)
  }

  /// After a connection was closed: whether to open another one for those who wait.
  mutating func startsOpening() -> Bool {
    guard mayOpen, !isClosed else { return false }
    opening += 1
    return true
  }

  /// Somebody no longer waits; `nil` when served already.
  mutating func leave(id: UInt64) -> Waiter? {
    guard let index = waiters.firstIndex(where: { $0.id == id }) else { return nil }
    return waiters.remove(at: index).waiter
  }

  /// Takes no more; what is lent is closed when it comes back.
  mutating func close() -> (idle: [Member], waiters: [Waiter]) {
    isClosed = true
    defer {
      idle = []
      waiters = []
    }
    return (idle.map(\.member), waiters.map(\.waiter))
  }

  private mutating func place(_ member: Member, now: Instant) -> Placement {
    guard !isClosed else { return .close(member) }
    if !waiters.isEmpty {
      lent += 1
      return .hand(waiters.removeFirst().waiter, member)
    }
    guard total < size else { return .close(member) }
    idle.append((member, now))
    return .keep
  }
}
