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
  private let catchUps = NIOLockedValueBox(0)

  init(feed: LiveFeed, owners: OwnerDirectory, log: LogReader.Source?, limits: EventStreamLimits) {
    self.feed = feed
    self.owners = owners
    self.log = log
    self.limits = limits
    metrics = EventMetrics()
    slots = StreamSlots(limit: limits.streams, limitPerUser: limits.streamsPerUser, metrics: metrics)
  }

  /// Takes one of the places for reading the log again, until `endCatchUp`.
  func beginCatchUp() -> Bool {
    catchUps.withLockedValue { count in
      guard count < limits.catchUps else { return false }
      count += 1
      return true
    }
  }

  func endCatchUp() { catchUps.withLockedValue { $0 -= 1 } }
}
