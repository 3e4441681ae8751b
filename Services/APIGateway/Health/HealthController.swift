import Contracts
import HTTPTypes
import Hummingbird

/// Tells anyone how this replica is.
struct HealthController: Sendable {
  static let version = "0.1.0"

  let readiness: Readiness
  let queue: QueueView
  let ledger: LedgerCheck

  var routes: [Route] {
    [
      Route(.get, "/health") { _, _ in status(.ok, "healthy") },
      Route(.get, "/api/health/live") { _, _ in status(.ok, "alive") },
      Route(.get, "/api/health/ready") { _, _ in
        guard let reason = readiness.reason else { return status(.ok, "ready") }
        return .json(
          status: .serviceUnavailable,
          JSONWriter.object { json in
            json.member("status", "not_ready")
            json.member("reason", reason)
          })
      },
      Route(.get, "/api/health") { _, _ in await overview() },
    ]
  }

  private func overview() async -> Response {
    let checks = readiness.checks + [await ledger.finding().check]
    let isHealthy = checks.allSatisfy(\.isHealthy)
    return .json(
      status: isHealthy ? .ok : .serviceUnavailable,
      JSONWriter.object { json in
        json.member("status", isHealthy ? "healthy" : "unhealthy")
        json.member("timestamp", Timestamp.now())
        json.member("version", Self.version)
        json.member("sending", queue.snapshot.isSending ? "running" : "stopped")
        json.object("checks") { json in
          for check in checks {
            json.object(check.name) { json in
              json.member("healthy", check.isHealthy)
              json.member("message", check.message)
              if !check.messageIDs.isEmpty {
                json.array("message_ids", check.messageIDs) { json, id in json.element(id.description) }
              }
            }
          }
        }
      })
  }

  private func status(_ code: HTTPResponse.Status, _ text: String) -> Response {
    .json(status: code, JSONWriter.object { json in json.member("status", text) })
  }
}
