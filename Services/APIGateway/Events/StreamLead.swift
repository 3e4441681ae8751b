/// For how long a client may be ahead of this replica, having read another one or the log. Pure.
struct StreamLead: Sendable {
  /// Facts; more than these are another log's.
  let limit: UInt64
  let time: Duration
  private var since: ContinuousClock.Instant?

  init(limit: UInt64, time: Duration) {
    self.limit = limit
    self.time = time
  }

  /// - Parameters:
  ///   - place: The client's.
  ///   - next: The replica's.
  /// - Returns: Whether the replica will not get there.
  mutating func isTooFar(_ place: UInt64, ahead next: UInt64, now: ContinuousClock.Instant) -> Bool {
    guard place > next else {
      since = nil
      return false
    }
    let began = since ?? now
    since = began
    return place - next > limit || now - began > time
  }
}
