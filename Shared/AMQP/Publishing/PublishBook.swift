import DequeModule

/// All publishes whose caller still waits, and the order in which they are to be written.
///
/// An entry leaves the book when its caller gets an answer; whatever happens to its message afterwards, it is never
/// written again.
struct PublishBook<Waiter: Sendable>: Sendable {
  struct Publication: Sendable {
    var id: UInt64
    var message: AMQPMessage
    var exchange: String
    var routingKey: String
  }

  private struct Entry {
    var publication: Publication
    var deadline: ContinuousClock.Instant?
    var waiter: Waiter
    var wasWritten = false
    /// How often the broker has refused it so far.
    var refusals = 0

    var leaving: Leaving {
      Leaving(waiter: waiter, wasWritten: wasWritten, isRefused: refusals > 0 && !wasWritten)
    }
  }

  /// What a caller that is answered should know.
  struct Leaving {
    var waiter: Waiter
    /// The message is, or was, on its way.
    var wasWritten: Bool
    /// The last thing that the broker said about it was no.
    var isRefused: Bool
  }

  private var entries: [UInt64: Entry] = [:]
  /// To be written next; may name entries that have left.
  private var pending: Deque<UInt64> = []
  /// Refused ones, each with the time to try again; in no order.
  private var postponed: [(id: UInt64, until: ContinuousClock.Instant)] = []
  /// While the next entry is not beyond this one, entries are written one at a time: one of them made the broker close
  /// the channel, and only alone it can be told which.
  private var lastSuspect: UInt64?

  var isEmpty: Bool { entries.isEmpty }
  var count: Int { entries.count }

  mutating func add(_ publication: Publication, deadline: ContinuousClock.Instant?, waiter: Waiter) {
    entries[publication.id] = Entry(publication: publication, deadline: deadline, waiter: waiter)
    pending.append(publication.id)
  }

  /// Takes what may be written now.
  /// - Parameters:
  ///   - outstanding: How many written ones are unconfirmed.
  ///   - window: How many may be.
  ///   - room: How many bytes of bodies may be added; a single message may exceed it when nothing is outstanding.
  mutating func take(
    outstanding: Int, window: Int, room: Int, now: ContinuousClock.Instant
  ) -> [Publication] {
    bringBackPostponed(now)
    var taken: [Publication] = []
    var room = room
    while let id = pending.first {
      guard let entry = entries[id] else {
        pending.removeFirst()
        continue
      }
      let inFlight = outstanding + taken.count
      if let suspect = lastSuspect, id > suspect, inFlight == 0 { lastSuspect = nil }
      let size = entry.publication.message.body.count
      guard inFlight < (lastSuspect == nil ? window : 1), inFlight == 0 || size <= room else { break }
      room -= size
      pending.removeFirst()
      entries[id]?.wasWritten = true
      taken.append(entry.publication)
    }
    return taken
  }

  /// True when nothing is left to write.
  var hasNothingPending: Bool { pending.isEmpty }

  /// Takes an entry out, to answer its caller. Nil when that has been done.
  mutating func remove(_ id: UInt64) -> Leaving? {
    defer { forgetLeft() }
    return entries.removeValue(forKey: id)?.leaving
  }

  /// Puts a refused one aside, to be tried again: a queue that has just been restarted, or is full, refuses for a while.
  mutating func postpone(_ id: UInt64, now: ContinuousClock.Instant) {
    guard var entry = entries[id] else { return }
    postponed.append((id, now + min(.milliseconds(50 << min(entry.refusals, 5)), .seconds(1))))
    entry.refusals += 1
    entry.wasWritten = false
    entries[id] = entry
  }

  /// When the next refused one is to be tried again.
  var nextRetry: ContinuousClock.Instant? { postponed.lazy.map(\.until).min() }

  private mutating func bringBackPostponed(_ now: ContinuousClock.Instant) {
    guard !postponed.isEmpty else { return }
    let due = postponed.filter { $0.until <= now }.map(\.id)
    guard !due.isEmpty else { return }
    postponed.removeAll { $0.until <= now }
    pending.prepend(contentsOf: due)
  }

  /// Keeps `pending` from growing with those that left while nothing could be written.
  private mutating func forgetLeft() {
    guard pending.count > 2 * entries.count + 1024 else { return }
    pending.removeAll { entries[$0] == nil }
  }

  /// Puts back what was written and lost, before all that has not been written.
  /// - Parameter areSuspects: One of them made the broker close the channel.
  mutating func requeue(_ ids: [UInt64], areSuspects: Bool) {
    pending.prepend(contentsOf: ids.filter { entries[$0] != nil })
    if areSuspects, let last = ids.max() { lastSuspect = max(last, lastSuspect ?? 0) }
  }

  /// Takes out all whose time is up.
  mutating func removeExpired(now: ContinuousClock.Instant) -> [Leaving] {
    let expired = entries.values.filter { $0.deadline.map { $0 <= now } ?? false }
    for entry in expired { entries[entry.publication.id] = nil }
    forgetLeft()
    return expired.map(\.leaving)
  }

  var nextDeadline: ContinuousClock.Instant? {
    entries.values.lazy.compactMap(\.deadline).min()
  }

  /// Takes out everything.
  mutating func removeAll() -> [Leaving] {
    defer { self = PublishBook() }
    return entries.values.map(\.leaving)
  }
}
