import Contracts
import NIOConcurrencyHelpers
import ServiceKit

/// Whether this replica can accept, and what its surroundings are like.
struct Readiness: Sendable {
  let publisher: any FactPublisher
  let directory: NIOLockedValueBox<TokenDirectory>
  /// True while the database answers.
  let isDatabaseReady: @Sendable () -> Bool

  /// Why it cannot accept; `nil` when it can.
  var reason: String? {
    if ProcessState.isShuttingDown { return "shutting_down" }
    if publisher.isBlocked { return "broker_blocked" }
    if !publisher.isReady { return "broker_unreachable" }
    if !directory.withLockedValue({ $0.isLoaded }) { return "tokens_not_loaded" }
    return nil
  }

  /// One look at everything.
  var checks: [Check] {
    [
      Check(
        name: "database", isHealthy: isDatabaseReady(),
        message: isDatabaseReady() ? "reachable" : "not reachable: reads are refused, sending goes on"),
      Check(
        name: "broker", isHealthy: publisher.isReady && !publisher.isBlocked,
        message: publisher.isBlocked ? "takes nothing for now" : publisher.isReady ? "reachable" : "not reachable"),
      Check(name: "memory", isHealthy: true, message: ResidentMemory.mebibytes.map { "\($0) MiB" } ?? "not known"),
    ]
  }

  struct Check: Sendable {
    var name: StaticString
    var isHealthy: Bool
    var message: String
    /// Messages that it is about.
    var messageIDs: [MessageID] = []
  }
}
