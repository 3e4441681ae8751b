import Contracts
import Hummingbird
import Metering

/// Shows the queue as a whole and the caller's part of it.
struct QueueStatusController: Sendable {
  let authenticator: Authenticator
  let store: ReadStore
  let queue: QueueView

  var routes: [Route] {
    [
      .user(.get, "/api/queue/status", authenticator) { request, _, principal in
        _ = try Query(request, allowing: [])
        let totals = try await store.queueTotals(for: principal.userID)
        let status = QueueStatus(user: principal.userID, totals: totals, snapshot: queue.snapshot, now: .now())
        return .success { json in status.write(&json) }
      }
    ]
  }
}
