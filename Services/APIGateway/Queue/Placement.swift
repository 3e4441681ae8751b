import Contracts
import Metering

/// Where SMS of one message stand in the queue and when they go out, as things stand.
struct Placement: Sendable, Equatable {
  /// A moment that is foreseen, with the span in which it lies four times out of five.
  struct Moment: Sendable, Equatable {
    var middle: Timestamp
    var low: Timestamp
    var high: Timestamp

    /// - Parameter base: What the estimate counts from.
    init(_ estimate: QueueSnapshot.Estimate, from base: Timestamp, now: Timestamp) {
      middle = max(now, base + estimate.middle)
      low = max(now, base + estimate.low)
      high = max(now, base + estimate.high)
    }

    /// The same, but not before a time.
    func notBefore(_ time: Timestamp) -> Moment {
      var later = self
      later.middle = max(middle, time)
      later.low = max(low, time)
      later.high = max(high, time + (high - middle))
      return later
    }

    func later(by delay: Duration) -> Moment {
      var later = self
      later.middle = middle + delay
      later.low = low + delay
      later.high = high + delay
      return later
    }
  }

  /// SMS ahead of the message's next one.
  var position: Int?
  /// When its next one goes out.
  var start: Moment?
  /// When its last one goes out.
  var complete: Moment?
  /// When what this was computed from was so.
  var asOf: Timestamp?

  /// Nothing is known.
  static let unknown = Placement()

  private init() {}

  /// Heads older than this are no ground for a forecast: the scheduler tells all of them at least once a minute.
  static let patience = Duration.seconds(75)

  /// - Parameters:
  ///   - ahead: SMS of the same flow ahead of the next one.
  ///   - last: SMS of the same flow ahead of the last one.
  init(in outlook: QueueOutlook, flow: FlowKey, ahead: Int, last: Int, now: Timestamp) {
    let snapshot = outlook.snapshot
    guard let asOf = snapshot.asOf, let first = outlook.place(in: flow, ahead: ahead) else { return }
    position = first.position
    self.asOf = asOf
    guard now - asOf < Self.patience else { return }
    // Heads of an idle queue may be old: whoever comes now begins now.
    let base = snapshot.wasIdle ? now : asOf
    let complete = last > ahead ? outlook.place(in: flow, ahead: last)?.wait : first.wait
    self.start = first.wait.map { Moment($0, from: base, now: now) }
    self.complete = complete.map { Moment($0, from: base, now: now) }
  }

  /// The same, with SMS that go out at other times, too.
  func including(first: Moment, last: Moment, asOf: Timestamp?) -> Placement {
    var both = self
    both.asOf = asOf
    both.start = start.map { $0.middle <= first.middle ? $0 : first } ?? first
    both.complete = complete.map { $0.middle >= last.middle ? $0 : last } ?? last
    return both
  }

  /// The same, but going out no earlier than at a time. Until then it has no place: it waits for no other SMS.
  func notBefore(_ time: Timestamp?, now: Timestamp) -> Placement {
    guard let time, time > now else { return self }
    var later = self
    later.position = nil
    guard let start, start.middle < time else { return later }
    later.start = start.notBefore(time)
    later.complete = complete?.later(by: time - start.middle).notBefore(time)
    return later
  }
}

extension Duration {
  /// In seconds, for people.
  var inSeconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
