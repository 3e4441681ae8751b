import Contracts
import Metering

/// Where SMS of one message stand in the queue and when they go out, as things stand.
struct Placement: Sendable, Equatable {
  /// SMS ahead of the message's next one.
  var position: Int?
  /// Until its next one goes out.
  var start: QueueSnapshot.Estimate?
  /// Until its last one goes out.
  var complete: QueueSnapshot.Estimate?
  var asOf: Timestamp?

  /// Nothing is known.
  static let unknown = Placement()

  private init() {}

  /// - Parameters:
  ///   - ahead: SMS of the same flow ahead of the next one.
  ///   - count: SMS that are to go, from the next one on.
  init(in snapshot: QueueSnapshot, flow: FlowKey, ahead: Int, count: Int) {
    guard let first = snapshot.position(in: flow, ahead: ahead) else { return }
    let last = count > 1 ? snapshot.position(in: flow, ahead: ahead + count - 1) ?? first : first
    position = first
    start = snapshot.wait(position: first, provider: flow.provider)
    complete = snapshot.wait(position: last, provider: flow.provider)
    asOf = snapshot.asOf
  }

  /// The same, but going out no earlier than at a time. Until then it has no place: it waits for no other SMS.
  func notBefore(_ time: Timestamp?, now: Timestamp) -> Placement {
    guard let time, time > now else { return self }
    var later = self
    later.position = nil
    let delay = time - now
    guard let start, start.middle < delay else { return later }
    let shift = delay - start.middle
    later.start?.middle = delay
    later.start?.low = max(start.low, delay)
    later.start?.high = max(start.high, delay)
    later.complete?.middle += shift
    later.complete?.low = max(complete?.low ?? delay, delay)
    later.complete?.high += shift
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
