import FoundationEssentials
import Glibc

/// A point in time by both clocks.
struct Stamp: Sendable, Equatable {
  /// CLOCK_MONOTONIC, in nanoseconds.
  var monotonicNs: Int64
  var wall: Date

  /// Reads both clocks.
  static func now() -> Stamp {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Stamp(monotonicNs: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec), wall: Date())
  }
}

/// One request that reached a provider, refused or not.
struct Arrival: Sendable, Equatable {
  /// What the provider did with the request.
  enum Outcome: Sendable, Equatable {
    /// The head has arrived, the body has not (yet).
    case incomplete
    case accepted
    /// Over the limit.
    case refused
    /// The body was no message.
    case invalid
    case fault(Fault.Effect)
  }

  /// Counts the provider's arrivals from 1; a reset does not start again.
  let n: Int
  let at: Stamp
  let connection: Int
  var number = ""
  var text = ""
  var outcome = Outcome.incomplete
  /// The status of the answer; `nil` where none is given.
  var status: Int?
  var isViolation = false
  var answeredNs: Int64?
}
