import Glibc

/// What to wait for on a descriptor.
public struct Interest: OptionSet, Sendable {
  public let rawValue: Int16
  public init(rawValue: Int16) { self.rawValue = rawValue }

  /// Data to read, end of file, or an error that a read will report.
  public static let readable = Interest(rawValue: Int16(POLLIN))
  /// Room to write.
  public static let writable = Interest(rawValue: Int16(POLLOUT))
}

/// One descriptor and what happened on it.
public struct PollEntry: Sendable {
  public var fileDescriptor: Int32
  public var interest: Interest
  /// True after `poll` when the descriptor has what was asked for, or an error to be read.
  public internal(set) var isReady = false

  public init(fileDescriptor: Int32, interest: Interest) {
    self.fileDescriptor = fileDescriptor
    self.interest = interest
  }
}

/// Blocks the calling thread until a descriptor is ready or the deadline has passed.
///
/// Call it only on a thread that may block (a `ThreadExecutor`'s). Interrupted waits are resumed.
/// - Returns: false when the deadline passed first. Without a deadline it waits for ever.
@discardableResult
public func poll(_ entries: inout [PollEntry], until deadline: ContinuousClock.Instant?) -> Bool {
  var descriptors = entries.map { pollfd(fd: $0.fileDescriptor, events: $0.interest.rawValue, revents: 0) }
  while true {
    let ready = Glibc.poll(&descriptors, nfds_t(descriptors.count), deadline.map(millisecondsLeft) ?? -1)
    if ready < 0, errno == EINTR { continue }
    for index in entries.indices { entries[index].isReady = descriptors[index].revents != 0 }
    if ready == 0, let deadline, ContinuousClock.now < deadline { continue }
    return ready > 0
  }
}

/// Whole milliseconds until `deadline`, rounded up so that a wait never ends early and spins.
private func millisecondsLeft(until deadline: ContinuousClock.Instant) -> Int32 {
  let left = ContinuousClock.now.duration(to: deadline)
  guard left > .zero else { return 0 }
  let (seconds, attoseconds) = left.components
  guard seconds < 3600 else { return 3_600_000 }
  return Int32(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
}
