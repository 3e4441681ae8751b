import Contracts
import Logging
import NIOConcurrencyHelpers

/// What all streams of a replica share.
struct EventStreams: Sendable {
  let feed: LiveFeed
  let owners: OwnerDirectory
  /// How the log is read again; `nil` where there is none.
  let log: LogReader.Source?
  let limits: EventStreamLimits
  let metrics: EventMetrics
  let slots: StreamSlots
  private let catchUps: NIOLockedValueBox<CatchUpSlots>

  init(feed: LiveFeed, owners: OwnerDirectory, log: LogReader.Source?, limits: EventStreamLimits) {
    self.feed = feed
    self.owners = owners
    self.log = log
    self.limits = limits
    metrics = EventMetrics()
    catchUps = NIOLockedValueBox(CatchUpSlots(limit: limits.catchUps, pause: limits.catchUpPause))
    slots = StreamSlots(limit: limits.streams, limitPerUser: limits.streamsPerUser, metrics: metrics)
  }

  /// Takes one of the places for reading the log again, until `endCatchUp`; each user one in a while.
  func beginCatchUp(for user: UserID) -> Bool { catchUps.withLockedValue { $0.begin(user, now: .now) } }

  func endCatchUp() { catchUps.withLockedValue { $0.end() } }
}

/// Who may read the log again: a few at once, and each user once in a while, since everybody's facts are read for it.
struct CatchUpSlots: Sendable {
  let limit: Int
  let pause: Duration
  private var running = 0
  private var last: [UserID: ContinuousClock.Instant] = [:]

  init(limit: Int, pause: Duration) {
    self.limit = limit
    self.pause = pause
  }

  mutating func begin(_ user: UserID, now: ContinuousClock.Instant) -> Bool {
    guard running < limit else { return false }
    if let last = last[user], now - last < pause { return false }
    if last.count >= 1_024 { last = last.filter { now - $0.value < pause } }
    last[user] = now
    running += 1
    return true
  }

  mutating func end() { running -= 1 }
}
