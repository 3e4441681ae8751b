import Foundation
import TestSupport
import Testing

/// A provider and the limit it must see kept.
struct ProviderUnderTest: Sendable {
  var name: String
  var count: Int
  var window = Duration.seconds(1)
}

/// What became of a story's SMS.
struct Ending: Sendable {
  var accepted: [String]
  /// By number, as the read side says.
  var states: [String: String]
  /// At all providers, in order.
  var arrivals: [MockClient.Arrival]

  static func isFinal(_ state: String) -> Bool { !["pending", "sending", "retrying"].contains(state) }

  /// The longest time in which nothing arrived.
  var longestGap: Duration {
    zip(arrivals, arrivals.dropFirst()).map { .nanoseconds($1.monotonicNs - $0.monotonicNs) }.max() ?? .zero
  }

  func count(of state: String) -> Int { states.values.count { $0 == state } }

  /// Nothing lost, nothing twice, nothing called sent that did not arrive.
  func expectPromises(unconfirmed: Int, sourceLocation: SourceLocation) {
    let taken = arrivals.filter { !$0.wasRefused }
    let arrived = Set(taken.map { "+\($0.number)" })
    let lost = accepted.filter { !arrived.contains($0) && (states[$0] ?? "sent") == "sent" }
    #expect(lost.isEmpty, "lost, or called sent and did not arrive", sourceLocation: sourceLocation)
    let repeated = Dictionary(grouping: taken, by: \.number).values.count { $0.count > 1 }
    #expect(repeated == 0, "numbers that the provider took twice", sourceLocation: sourceLocation)
    #expect(
      count(of: "unconfirmed") <= unconfirmed, "unconfirmed: more than what was in flight",
      sourceLocation: sourceLocation)
  }

  /// Arrivals a second from the first to the last, as a share of what the limit and the answers' latency leave.
  func useOfSlots(limit: ProviderUnderTest, latency: Duration) -> Double {
    let cycle = (limit.window + latency) / .seconds(1)
    return Promises.meanRate(arrivals.filter { $0.provider == limit.name }) * cycle / Double(limit.count)
  }
}
