import Hummingbird
import NIOConcurrencyHelpers
import NIOCore

/// Ends one stream from outside, and wakes it.
final class StreamControl: Sendable {
  let signal = RefreshSignal()
  private let ended = NIOLockedValueBox(false)

  var isEnded: Bool { ended.withLockedValue { $0 } }

  func end() {
    ended.withLockedValue { $0 = true }
    signal.ring()
  }
}

/// One open stream: finds its place, follows, and ends.
///
/// It holds nothing of its own but its place. What it has missed is read from the ring that all share; a client that
/// reads so slowly that its place is no longer there is sent away, and resumes.
struct EventStream {
  let streams: EventStreams
  let control: StreamControl
  let session: AuthenticatedSession
  let context: GatewayContext
  var view: StreamView
  /// The offset of the next fact to look at; `nil` before the first.
  var place: UInt64?

  /// Where facts come from.
  private enum Origin {
    case feed
    case log(LogReader, Task<Void, Never>, since: ContinuousClock.Instant)
  }

  private var origin = Origin.feed
  /// It has been at a place that the feed holds.
  private var hasFollowed = false
  private var lead: StreamLead
  private var pace: ReloadPace
  private var wroteAt = ContinuousClock.now
  private var bytes: [UInt8] = []

  init(
    streams: EventStreams, control: StreamControl, session: AuthenticatedSession, context: GatewayContext,
    view: StreamView, lastEventID: UInt64?
  ) {
    self.streams = streams
    self.control = control
    self.session = session
    self.context = context
    self.view = view
    place = lastEventID.map { $0 + 1 }
    lead = StreamLead(limit: streams.limits.lead, time: streams.limits.leadTime)
    pace = ReloadPace(
      delay: streams.limits.reloadDelay, firstPause: streams.limits.reloadPause.first,
      lastPause: streams.limits.reloadPause.last)
  }

  /// Works until the client, the user's right or the server ends it.
  mutating func run(_ writer: inout any ResponseBodyWriter) async throws {
    let listener = streams.feed.listen(control.signal, as: view)
    defer {
      streams.feed.stopListening(listener)
      stopReading()
    }
    place = place ?? streams.feed.next
    view.writePreamble(next: place, to: &bytes)
    try await flush(&writer)
    while mayGoOn {
      let isIdle: Bool
      switch origin {
      case .feed:
        guard let isDone = try await follow(&writer) else { return try await writer.finish(nil) }
        isIdle = isDone
      case .log(let reader, _, let since): isIdle = try await catchUp(reader, since, &writer)
      }
      if view.hasMissed { try await review(&writer) }
      if isIdle { try await rest(&writer) }
    }
    try await writer.finish(nil)
  }

  private var mayGoOn: Bool { !control.isEnded && !Task.isCancelled && session.isValid }

  // MARK: Following

  /// Writes what the feed has.
  /// - Returns: Whether that was all for now; `nil` when the stream has lost its place.
  private mutating func follow(_ writer: inout any ResponseBodyWriter) async throws -> Bool? {
    if let next = streams.feed.next, let place, lead.isTooFar(place, ahead: next, now: .now) {
      reset(.tooOld)
    }
    switch streams.feed.page(from: place, limit: 64) {
    case .facts(let facts, let next):
      hasFollowed = true
      try await write(facts, &writer)
      place = next
      try await flush(&writer)
      return facts.count < 64
    // Without a place the client could not come back for what it missed.
    case .gone where hasFollowed && place != nil:
      streams.metrics.closedSlow()
      return nil
    case .gone:
      beginCatchUp()
      return false
    }
  }

  /// Looks again at whose the events were that could not be shown. When they may be the user's, the client loads
  /// everything anew, but not before it can: until the read side answers it is told nothing.
  private mutating func review(_ writer: inout any ResponseBodyWriter) async throws {
    pace.miss(now: .now, chance: .random(in: 0...1))
    guard pace.isDue(now: .now) else { return }
    let (owners, isAnswering) = await streams.owners.find(view.missed)
    if !view.mayHaveMissed(knowing: owners) {
      view.missNothing()
      pace.settle()
    } else if isAnswering {
      reset(.incomplete)
      pace.load(now: .now)
      try await flush(&writer)
    } else {
      pace.postpone(now: .now, chance: .random(in: 0...1))
    }
  }

  // MARK: Catching up

  private mutating func beginCatchUp() {
    guard let source = streams.log, let place else { return reset(.unavailable) }
    guard streams.beginCatchUp(for: view.user) else { return reset(.busy) }
    let reader = LogReader(from: place, source: source, owners: streams.owners, onBatch: control.signal)
    let streams = streams
    let task = Task {
      await reader.run()
      streams.endCatchUp()
    }
    origin = .log(reader, task, since: .now)
  }

  /// Writes what has been read of the log, until the feed holds the place that is reached.
  /// - Returns: Whether there is nothing to do for now.
  private mutating func catchUp(
    _ reader: LogReader, _ since: ContinuousClock.Instant, _ writer: inout any ResponseBodyWriter
  ) async throws -> Bool {
    let (facts, next) = reader.take()
    if reader.hasGap {
      reset(.tooOld)
    } else {
      try await write(facts, &writer)
      place = next
    }
    try await flush(&writer)
    if case .facts = streams.feed.page(from: place, limit: 1) {
      stopReading()
    } else if reader.count > streams.limits.catchUpFacts {
      reset(.tooMuch)
    } else if .now - since > streams.limits.catchUpTime {
      reset(reader.count == 0 ? .unavailable : .tooMuch)
    } else {
      return facts.isEmpty
    }
    try await flush(&writer)
    return false
  }

  private mutating func stopReading() {
    if case .log(_, let task, _) = origin { task.cancel() }
    origin = .feed
  }

  /// Goes on from now, and tells the client that it has missed something.
  private mutating func reset(_ reason: ResetReason) {
    if reason != .incomplete {
      stopReading()
      place = streams.feed.next
    }
    pace.settle()
    streams.metrics.reset()
    view.writeReset(reason, next: place, to: &bytes)
  }

  // MARK: Writing

  private mutating func write(_ facts: [LiveFact], _ writer: inout any ResponseBodyWriter) async throws {
    var count = 0
    for fact in facts {
      count += view.write(fact, to: &bytes)
      if bytes.count > 65_536 { try await flush(&writer) }
    }
    if count > 0 { streams.metrics.wrote(count) }
  }

  /// Writes what has been gathered, or nothing once the stream has to end: a token that stops working shows no more,
  /// neither what has been fetched already nor what a client that does not read would have to take first.
  private mutating func flush(_ writer: inout any ResponseBodyWriter) async throws {
    guard !bytes.isEmpty else { return }
    guard mayGoOn else { return bytes.removeAll() }
    let buffer = ByteBuffer(bytes: bytes)
    bytes.removeAll(keepingCapacity: true)
    wroteAt = .now
    let limit = TimeAmount.milliseconds(Int64(streams.limits.write / .milliseconds(1)))
    try await context.withConnectionDeadline(limit, while: { [session] in session.isValid }) {
      try await writer.write(buffer)
    }
  }

  /// Waits for news, and gives a sign of life where there is none for long.
  private mutating func rest(_ writer: inout any ResponseBodyWriter) async throws {
    let keepAliveIn = streams.limits.keepAlive - (.now - wroteAt)
    guard keepAliveIn > .zero else {
      view.writeKeepAlive(next: place, to: &bytes)
      return try await flush(&writer)
    }
    // What comes within a moment is written together.
    if .now - wroteAt < .milliseconds(20) { try await Task.sleep(for: .milliseconds(20)) }
    let reviewIn = pace.due.map { max(.zero, $0 - .now) } ?? keepAliveIn
    await control.signal.wait(atMost: min(keepAliveIn, reviewIn, streams.limits.check))
  }
}
