import Contracts
import Foundation
import TestSupport

/// One load of the ETA's measurement: who sends what, and what happens meanwhile.
struct EtaLoad: Sendable {
  /// Messages of one user, posted at once.
  struct Batch: Sendable {
    var messages: Int
    var recipients = 4
    var weight = 1.0
    var messageClass = MessageClass.normal
    var provider: String?
    /// `send_at`, so long after the beginning.
    var delay: Duration?
  }

  enum Event: Sendable {
    case pause(String), resume(String), rate(String, Int)
    /// One SMS of another user each second, for so many seconds.
    case trickle(Int)
  }

  var name: String
  var isSteady: Bool
  var providers: [(name: String, rate: Int)] = [("p1", 5)]
  var batches: [Batch]
  var events: [(after: Duration, event: Event)] = []
  /// The share of requests that the mock refuses for a time.
  var failures = 0.0

  static let all: [EtaLoad] = [
    EtaLoad(name: "one user", isSteady: true, batches: [Batch(messages: 50)]),
    EtaLoad(
      name: "ten users with weights", isSteady: true,
      batches: (0..<10).map { Batch(messages: 5, weight: [1, 2, 4][$0 % 3]) }),
    EtaLoad(
      name: "classes mixed", isSteady: true,
      batches: [
        Batch(messages: 10, messageClass: .urgent), Batch(messages: 20), Batch(messages: 20, messageClass: .bulk),
      ]),
    EtaLoad(
      name: "arrivals during the run", isSteady: false, batches: [Batch(messages: 50)],
      events: [(.seconds(2), .trickle(30))]),
    EtaLoad(name: "5 % failures", isSteady: false, batches: [Batch(messages: 50)], failures: 0.05),
    EtaLoad(
      name: "paused for 20 s", isSteady: false, batches: [Batch(messages: 50)],
      events: [(.seconds(5), .pause("p1")), (.seconds(25), .resume("p1"))]),
    EtaLoad(
      name: "three providers", isSteady: true, providers: [("p1", 2), ("p2", 5), ("p3", 3)],
      batches: [Batch(messages: 60), Batch(messages: 60)]),
    EtaLoad(
      name: "pins", isSteady: true, providers: [("p1", 2), ("p2", 5), ("p3", 3)],
      batches: [
        Batch(messages: 15, provider: "p1"), Batch(messages: 30, provider: "p2"), Batch(messages: 50),
      ]),
    EtaLoad(
      name: "scheduled", isSteady: false,
      batches: [Batch(messages: 50), Batch(messages: 10, delay: .seconds(20))]),
    EtaLoad(
      name: "rate changed by an admin", isSteady: false, batches: [Batch(messages: 40)],
      events: [(.seconds(8), .rate("p1", 3))]),
  ]
}
